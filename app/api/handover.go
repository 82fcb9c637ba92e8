package api

import (
	"io"
	"net/http"
	"strconv"

	"hither/app/client"
	"hither/fusion"
)

// handFile streams a request's body to where an app can open it. It answers
// what Hand gives.
func (s *Server) handFile(w http.ResponseWriter, r *http.Request) {
	apps, err := s.handover(r)
	var file string
	if err == nil {
		ctx := withTrace(r.Context(), r.Header)
		file, err = apps.Hand(ctx, r.URL.Query().Get("name"), r.ContentLength, r.Body)
	}
	if err != nil {
		writeError(w, err)
		drain(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, file) // the caller is gone if this fails; the copy goes after a while
}

// handover checks the caller and gives the host that the request names.
func (s *Server) handover(r *http.Request) (fusion.Handover, error) {
	ctx := withTrace(r.Context(), r.Header)
	if err := s.allow(ctx, handoverPath); err != nil {
		return nil, err
	}
	h, _, err := s.resolve(ctx, r.URL.Query().Get("host"))
	if err != nil {
		return nil, err
	}
	return h.Apps(), nil
}

// takeFile waits for the next version of a handed file and streams it. A
// version that turns out void breaks the answer off.
func (s *Server) takeFile(w http.ResponseWriter, r *http.Request) {
	apps, err := s.handover(r)
	var taken fusion.Taken
	if err == nil {
		taken, err = apps.Take(r.Context(), fusion.HandedPrefix+r.PathValue("file"), r.URL.Query().Get("after"))
	}
	if err != nil {
		writeError(w, err)
		return
	}
	defer taken.Close()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set(client.VersionHeader, taken.Version)
	h.Set(client.SizeHeader, strconv.FormatInt(taken.Size, 10))
	if _, err := io.Copy(w, taken); err != nil {
		s.log.Debug("a handed file was not read whole", "err", err)
		panic(http.ErrAbortHandler) // the receiver must not take it for whole
	}
}

func (s *Server) dropFile(w http.ResponseWriter, r *http.Request) {
	apps, err := s.handover(r)
	if err == nil {
		err = apps.Drop(r.Context(), fusion.HandedPrefix+r.PathValue("file"))
	}
	if err != nil {
		writeError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

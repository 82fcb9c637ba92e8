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
	c, apps, err := s.handover(r)
	var file string
	if err == nil {
		file, err = apps.Hand(c.ctx, r.URL.Query().Get("name"), r.ContentLength, c.body(r))
		err = c.end(err)
	}
	if err != nil {
		writeError(w, err)
		drain(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, file) // the caller is gone if this fails; the copy goes after a while
}

// handover checks the caller and gives the apps of the host that the request names. The
// call is to be ended.
func (s *Server) handover(r *http.Request) (*call, fusion.Handover, error) {
	c, err := s.beginPath(r, handoverPath, nil)
	if err != nil {
		return nil, nil, err
	}
	h, _, err := s.resolve(c.ctx, r.URL.Query().Get("host"))
	if err != nil {
		return nil, nil, c.end(err)
	}
	return c, h.Apps(), nil
}

// takeFile waits for the next version of a handed file and streams it. A
// version that turns out void breaks the answer off.
func (s *Server) takeFile(w http.ResponseWriter, r *http.Request) {
	c, apps, err := s.handover(r)
	if err != nil {
		writeError(w, err)
		return
	}
	taken, err := apps.Take(c.ctx, fusion.HandedPrefix+r.PathValue("file"), r.URL.Query().Get("after"))
	if err != nil {
		writeError(w, c.end(err))
		return
	}
	defer taken.Close()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set(client.VersionHeader, taken.Version)
	h.Set(client.SizeHeader, strconv.FormatInt(taken.Size, 10))
	_, err = io.Copy(c.answer(w), taken)
	if err := c.end(err); err != nil {
		s.log.Debug("a handed file was not read whole", "err", err)
		panic(http.ErrAbortHandler) // the receiver must not take it for whole
	}
}

func (s *Server) dropFile(w http.ResponseWriter, r *http.Request) {
	c, apps, err := s.handover(r)
	if err == nil {
		err = c.end(apps.Drop(c.ctx, fusion.HandedPrefix+r.PathValue("file")))
	}
	if err != nil {
		writeError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

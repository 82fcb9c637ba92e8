package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type imageService struct{ s *Server }

func (i imageService) List(ctx context.Context, req *connect.Request[pb.ImageListRequest]) (*connect.Response[pb.ImageListResponse], error) {
	h, info, err := i.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Images().List(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ImageListResponse{Images: convert.All(list, func(x fusion.Image) *pb.Image { return pooled(x, info) })}), nil
}

// pooled fills in whose image it is.
func pooled(x fusion.Image, host fusion.HostInfo) *pb.Image {
	x.Host = host.Name
	return convert.ImageToPB(x)
}

func (i imageService) Catalogue(ctx context.Context, req *connect.Request[pb.ImageCatalogueRequest]) (*connect.Response[pb.ImageCatalogueResponse], error) {
	h, _, err := i.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Images().Catalogue(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ImageCatalogueResponse{Images: convert.All(list, convert.CatalogueImageToPB)}), nil
}

func (i imageService) Fetch(ctx context.Context, req *connect.Request[pb.ImageFetchRequest]) (*connect.Response[pb.Image], error) {
	h, info, err := i.s.resolve(ctx, req.Msg.Host)
	if err == nil {
		err = i.s.mayFetch(ctx, req.Msg.From)
	}
	if err != nil {
		return nil, err
	}
	image, err := h.Images().Fetch(ctx, fusion.FetchSpec{From: req.Msg.From, Sum: req.Msg.Sum, Name: req.Msg.Name})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(pooled(image, info)), nil
}

// mayFetch refuses addresses that the caller chose: this computer would reach for
// what only it may reach.
func (s *Server) mayFetch(ctx context.Context, images ...string) error {
	for _, image := range images {
		if fusion.IsURL(image) && !s.may(ctx, fusion.AdminCap) {
			return &fusion.Error{Op: "image.fetch", Path: s.node.Name(), Cause: fusion.ErrPermission,
				Detail: "fetching from an address of your choice needs admin", Hint: "choose an image of the catalogue, or upload the file"}
		}
	}
	return nil
}

func (i imageService) Remove(ctx context.Context, req *connect.Request[pb.ImageRemoveRequest]) (*connect.Response[pb.ImageRemoveResponse], error) {
	h, _, err := i.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := h.Images().Remove(ctx, req.Msg.Name); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.ImageRemoveResponse{}), nil
}

// getImage streams the image with a sum out of a host's pool; of a Range it takes
// "bytes=N-" (RFC 9110, 14.2).
func (s *Server) getImage(w http.ResponseWriter, r *http.Request) {
	c, err := s.beginPath(r, imagesPath, nil)
	if err != nil {
		writeError(w, err)
		return
	}
	data, from, err := s.openImage(c.ctx, r)
	if err != nil {
		writeError(w, c.end(err))
		return
	}
	defer data.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(data.Size-from, 10))
	if from > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, data.Size-1, data.Size))
		w.WriteHeader(http.StatusPartialContent)
	}
	_, err = io.Copy(c.answer(w), data)
	if err := c.end(err); err != nil {
		s.log.Debug("an image was not read whole", "err", err)
		panic(http.ErrAbortHandler) // the receiver must not take it for whole
	}
}

// openImage opens what the request asks for, from where.
func (s *Server) openImage(ctx context.Context, r *http.Request) (data fusion.ImageData, from int64, err error) {
	h, _, err := s.resolve(ctx, r.URL.Query().Get("host"))
	if err != nil {
		return data, 0, err
	}
	if from, err = rangeFrom(r.Header.Get("Range")); err != nil {
		return data, 0, err
	}
	data, err = h.Images().Read(ctx, r.PathValue("sum"), from)
	return data, from, err
}

func rangeFrom(header string) (int64, error) {
	if header == "" {
		return 0, nil
	}
	from, found := strings.CutPrefix(header, "bytes=")
	n, err := strconv.ParseInt(strings.TrimSuffix(from, "-"), 10, 64)
	if !found || err != nil || n < 0 || !strings.HasSuffix(from, "-") {
		return 0, &fusion.Error{Op: "image.read", Path: header, Cause: fusion.ErrInvalid, Detail: "no range that is served",
			Hint: "ask for bytes=N-"}
	}
	return n, nil
}

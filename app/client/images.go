package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type images host

var _ fusion.Images = (*images)(nil)

func (i *images) List(ctx context.Context) ([]fusion.Image, error) {
	res, err := call(ctx, i.label, i.c.images.List, &pb.ImageListRequest{Host: i.name})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Images, convert.ImageFromPB), nil
}

func (i *images) Catalogue(ctx context.Context) ([]fusion.CatalogueImage, error) {
	res, err := call(ctx, i.label, i.c.images.Catalogue, &pb.ImageCatalogueRequest{Host: i.name})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Images, convert.CatalogueImageFromPB), nil
}

func (i *images) Fetch(ctx context.Context, s fusion.FetchSpec) (fusion.Image, error) {
	res, err := long(ctx, i.c, (*host)(i).path(s.As()), i.c.images.Fetch,
		&pb.ImageFetchRequest{Host: i.name, Name: s.As(), From: s.From, Sum: s.Sum})
	if err != nil {
		return fusion.Image{}, err
	}
	return convert.ImageFromPB(res), nil
}

func (i *images) Remove(ctx context.Context, name string) error {
	_, err := call(ctx, (*host)(i).path(name), i.c.images.Remove, &pb.ImageRemoveRequest{Host: i.name, Name: name})
	return err
}

// Read asks GET /images/SUM, with a Range when it does not begin at the start.
func (i *images) Read(ctx context.Context, sum string, from int64) (fusion.ImageData, error) {
	const op = "image.read"
	path := (*host)(i).path(sum)
	address := base + "/images/" + url.PathEscape(sum) + "?" + url.Values{"host": {i.name}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fusion.ImageData{}, &fusion.Error{Op: op, Path: path, Cause: fusion.ErrInvalid, Detail: err.Error()}
	}
	if from != 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	res, err := (*apps)(i).send(ctx, op, path, req)
	if err != nil {
		return fusion.ImageData{}, err
	}
	size, err := wholeSize(res, from)
	if err != nil {
		_ = res.Body.Close() // it is not read
		return fusion.ImageData{}, &fusion.Error{Op: op, Path: path, Cause: fusion.ErrUnsupported, Detail: err.Error(),
			Hint: "update Hither on the other computer"}
	}
	return fusion.ImageData{ReadCloser: res.Body, Size: size}, nil
}

// wholeSize reads out of an answer how large the whole is, and that it begins
// where it was asked to.
func wholeSize(res *http.Response, from int64) (int64, error) {
	if from == 0 {
		if res.ContentLength < 0 {
			return 0, fmt.Errorf("the answer has no length")
		}
		return res.ContentLength, nil
	}
	span, total, found := strings.Cut(strings.TrimPrefix(res.Header.Get("Content-Range"), "bytes "), "/")
	size, err := strconv.ParseInt(total, 10, 64)
	if !found || err != nil || !strings.HasPrefix(span, strconv.FormatInt(from, 10)+"-") {
		return 0, fmt.Errorf("the answer is of another part")
	}
	return size, nil
}

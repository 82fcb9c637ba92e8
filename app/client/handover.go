package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"hither/fusion"
)

// Headers of a version of a handed file.
const (
	VersionHeader = "Hither-Version"
	SizeHeader    = "Hither-Size"
)

// handoverURL is the path of a handed file, or of a new one.
func (a *apps) handoverURL(file string, query url.Values) string {
	query.Set("host", a.name)
	return base + "/handover/" + url.PathEscape(strings.TrimPrefix(file, fusion.HandedPrefix)) + "?" + query.Encode()
}

// Hand streams the file as the body of POST /handover/.
func (a *apps) Hand(ctx context.Context, name string, size int64, r io.Reader) (string, error) {
	const op = "app.hand"
	path := a.path(name)
	body := &sourceReader{r: r}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.handoverURL("", url.Values{"name": {name}}), body)
	if err != nil {
		return "", &fusion.Error{Op: op, Path: path, Cause: fusion.ErrInvalid, Detail: err.Error()}
	}
	req.ContentLength = size
	if size == 0 {
		req.Body = http.NoBody
	}
	// A refusal must not get lost while the file is on its way.
	req.Header.Set("Expect", "100-continue")
	res, err := a.send(ctx, op, path, req)
	if err != nil {
		if body.err != nil {
			return "", fmt.Errorf("%s %s: %w", op, path, body.err)
		}
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 256))
	if err != nil {
		return "", transportError(ctx, op, path, err)
	}
	if file := string(text); strings.HasPrefix(file, fusion.HandedPrefix) {
		return file, nil
	}
	return "", &fusion.Error{Op: op, Path: path, Cause: fusion.ErrUnsupported, Detail: "the answer names no file",
		Hint: "update Hither on the other computer"}
}

// send makes a request and gives its answer, if it is a good one.
func (a *apps) send(ctx context.Context, op, path string, req *http.Request) (*http.Response, error) {
	req.Header.Set(TraceHeader, fusion.Trace(ctx))
	res, err := a.c.http.Do(req)
	if err != nil {
		return nil, transportError(ctx, op, path, err)
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer res.Body.Close()
	return nil, readError(res, path)
}

func (a *apps) Take(ctx context.Context, file, after string) (fusion.Taken, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.handoverURL(file, url.Values{"after": {after}}), nil)
	if err != nil {
		return fusion.Taken{}, &fusion.Error{Op: "app.take", Cause: fusion.ErrInvalid, Detail: err.Error()}
	}
	res, err := a.send(ctx, "app.take", a.path(""), req)
	if err != nil {
		return fusion.Taken{}, err
	}
	size, err := strconv.ParseInt(res.Header.Get(SizeHeader), 10, 64)
	version := res.Header.Get(VersionHeader)
	if err != nil || size < 0 || version == "" || len(version) > 128 {
		_ = res.Body.Close() // it is not read
		return fusion.Taken{}, &fusion.Error{Op: "app.take", Path: a.path(""), Cause: fusion.ErrUnsupported,
			Detail: "the answer has no version", Hint: "update Hither on the other computer"}
	}
	return fusion.Taken{ReadCloser: res.Body, Version: version, Size: size}, nil
}

func (a *apps) Drop(ctx context.Context, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, a.handoverURL(file, url.Values{}), nil)
	if err != nil {
		return &fusion.Error{Op: "app.drop", Cause: fusion.ErrInvalid, Detail: err.Error()}
	}
	res, err := a.send(ctx, "app.drop", a.path(""), req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

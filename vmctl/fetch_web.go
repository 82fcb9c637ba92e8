package vmctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hither/fusion"
	"hither/vmctl/catalogue"
)

// mostRedirects bounds how often a server may send on.
const mostRedirects = 5

// web fetches images: http and https only, and bytes as they are.
var web = &http.Client{
	Transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:    15 * time.Second,
		ResponseHeaderTimeout:  30 * time.Second,
		DisableCompression:     true,
		DisableKeepAlives:      true, // nothing of it outlasts a Store
		MaxResponseHeaderBytes: 64 << 10,
	},
	CheckRedirect: func(req *http.Request, via []*http.Request) error {
		switch {
		case len(via) > mostRedirects:
			return &fusion.Error{Op: opFetch, Path: req.URL.Host, Cause: fusion.ErrInvalid, Detail: "the server sends on and on",
				Hint: "see in a browser what the address gives"}
		case req.URL.Scheme != "https" && (req.URL.Scheme != "http" || via[0].URL.Scheme == "https"):
			return &fusion.Error{Op: opFetch, Path: req.URL.Host, Cause: fusion.ErrInvalid, Detail: "the server sends on to an address that is not safe",
				Hint: "give the address of the image itself"}
		}
		return nil
	},
}

// webSource is an address.
type webSource struct{ url string }

func (w *webSource) name() string { return w.url }

func (w *webSource) note(f rest) downloadNote {
	return downloadNote{URL: w.url, Validator: f.validator}
}

// open asks for the rest if it is the rest of the same bytes (RFC 9110, 13.1.5 and
// 14.2); with a sum to check against, also of a server that has no name for them.
func (w *webSource) open(ctx context.Context, from int64, validator string) (rest, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url, nil)
	if err != nil {
		return rest{}, invalid(opFetch, w.url, err.Error(), "give an address such as https://example.org/disk.qcow2")
	}
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
		if validator != "" {
			req.Header.Set("If-Range", validator)
		}
	}
	res, err := ask(req)
	if err != nil {
		return rest{}, err
	}
	f := rest{ReadCloser: res.Body, total: -1, validator: validatorOf(res.Header)}
	switch res.StatusCode {
	case http.StatusOK:
		f.total = res.ContentLength
		return f, nil
	case http.StatusPartialContent:
		if f.at, f.total, err = contentRange(res.Header.Get("Content-Range")); err == nil && f.at == from {
			return f, nil
		}
		err = errors.New("the server gives another part than was asked for")
	case http.StatusRequestedRangeNotSatisfiable:
		if _, total, bad := contentRange(res.Header.Get("Content-Range")); bad == nil && total == from {
			_ = res.Body.Close() // all of it is here already
			return rest{ReadCloser: http.NoBody, at: from, total: total, validator: validator}, nil
		}
		if from > 0 {
			_ = res.Body.Close() // it is another file now: from the start
			return w.open(ctx, 0, "")
		}
		err = errors.New("the server refuses")
	default:
		err = statusError(res)
	}
	return rest{}, errors.Join(err, res.Body.Close())
}

// ask makes a request; what the net does not do today it may do tomorrow.
func ask(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", "hither")
	res, err := web.Do(req)
	var ours *fusion.Error
	switch {
	case err == nil:
		return res, nil
	case req.Context().Err() != nil:
		return nil, req.Context().Err()
	case errors.As(err, &ours):
		return nil, ours
	}
	return nil, passing{errors.Unwrap(err)} // without the method and the address, which *url.Error adds
}

func statusError(res *http.Response) error {
	switch {
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone:
		return &fusion.Error{Op: opFetch, Path: res.Request.URL.Host, Cause: fusion.ErrNotFound, Detail: "the server has no such file",
			Hint: "see in a browser where the image is now, and give that address"}
	case res.StatusCode >= 500 || res.StatusCode == http.StatusRequestTimeout || res.StatusCode == http.StatusTooManyRequests:
		return passing{errors.New("the server answers " + res.Status)}
	}
	return &fusion.Error{Op: opFetch, Path: res.Request.URL.Host, Cause: fusion.ErrInvalid, Detail: "the server answers " + res.Status,
		Hint: "see in a browser what the address gives"}
}

// validatorOf gives what a server calls these bytes: a strong ETag, else the date of
// their last change.
func validatorOf(h http.Header) string {
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) && len(tag) <= 256 {
		return tag
	}
	if date := h.Get("Last-Modified"); len(date) <= 64 {
		return date
	}
	return ""
}

// contentRange reads "bytes 5-9/10" and "bytes */10"; a total of * is -1.
func contentRange(text string) (at, total int64, err error) {
	span, whole, found := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	if !found {
		return 0, 0, errors.New("no range")
	}
	if total = -1; whole != "*" {
		if total, err = strconv.ParseInt(whole, 10, 64); err != nil || total < 0 {
			return 0, 0, errors.New("no range")
		}
	}
	if span == "*" {
		return 0, total, nil
	}
	first, _, _ := strings.Cut(span, "-")
	if at, err = strconv.ParseInt(first, 10, 64); err != nil || at < 0 {
		return 0, 0, errors.New("no range")
	}
	return at, total, nil
}

// maxSums bounds a publisher's list of sums in bytes.
const maxSums = 4 << 20

// publishedSum asks a publisher for the sum of an image.
func (s *Store) publishedSum(ctx context.Context, o order) (string, error) {
	fusion.Report(ctx, fusion.Progress{Step: "asks the publisher for the image's sum"})
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	text, err := askSmall(ctx, o, o.sumsURL)
	if err == nil && o.signed.By != "" {
		text, err = signedPart(ctx, o, text)
	}
	if err != nil {
		return "", err
	}
	if sum, ok := catalogue.SumOf(string(text), o.url); ok {
		return sum, nil
	}
	return "", noSum(o, fusion.ErrNotFound, "the publisher's list does not have it")
}

func noSum(o order, cause error, detail string) error {
	return &fusion.Error{Op: opFetch, Path: o.name, Cause: cause, Detail: detail,
		Hint: "see that this computer reaches the publisher, or say what must come: hither image fetch NAME --sum sha256:…"}
}

// askSmall reads a small file of a publisher's.
func askSmall(ctx context.Context, o order, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	res, err := ask(req)
	switch {
	case isPassing(err), errors.Is(err, context.DeadlineExceeded):
		return nil, noSum(o, fusion.ErrOffline, "the sum could not be asked for: "+err.Error())
	case err != nil:
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, noSum(o, fusion.ErrOffline, "the sum could not be asked for: "+res.Status)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxSums))
	if err != nil {
		return nil, noSum(o, fusion.ErrOffline, "the sum could not be asked for: "+err.Error())
	}
	return text, nil
}

// signedPart gives what of a list its publisher has signed.
func signedPart(ctx context.Context, o order, list []byte) ([]byte, error) {
	var detached []byte
	if o.signed.URL != "" {
		var err error
		if detached, err = askSmall(ctx, o, o.signed.URL); err != nil {
			return nil, err
		}
	}
	text, err := o.signed.Verify(list, detached)
	if errors.Is(err, catalogue.ErrNotSigned) {
		err = invalid(opFetch, o.name, "the publisher's list of sums is not signed with its key",
			"somebody may have changed it on its way; try again later, and do not use what that list names")
	}
	return text, err
}

package vmctl

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"

	"hither/fusion"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

// Fetch brings an image into the pool. See fusion.Images.
func (i images) Fetch(ctx context.Context, spec fusion.FetchSpec) (fusion.Image, error) {
	o, err := i.s.ordered(spec)
	if err != nil {
		return fusion.Image{}, err
	}
	if err := i.s.fetch(ctx, o); err != nil {
		return fusion.Image{}, fail(opFetch, o.name, err)
	}
	return i.s.describeImage(opFetch, o.name, i.s.imageUses())
}

// fetch brings an image into the pool, or waits for another call that does so.
func (s *Store) fetch(ctx context.Context, o order) error {
	for {
		if there, err := s.fetched(o); there || err != nil {
			return err
		}
		other, begun := s.beginFetch(o.name)
		if begun {
			defer s.endFetch(o.name)
			return s.bring(ctx, o)
		}
		fusion.Report(ctx, fusion.Progress{Step: "waits for another download of the image"})
		select {
		case <-other:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fetched says whether the pool has what is wanted; another image of its name is
// an error.
func (s *Store) fetched(o order) (bool, error) {
	path := filepath.Join(s.config.pool(), o.name)
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	about := s.pool.About(o.name, info)
	if about.Source == o.url && (o.sum == "" || o.sum == about.Sum) || o.sum != "" && o.sum == about.Sum {
		return true, nil
	}
	return false, imagepool.Vacant(opFetch, o.name, path)
}

// beginFetch takes the name of an image that is to be fetched; begun is false while
// another call has it, until other is closed.
func (s *Store) beginFetch(name string) (other chan struct{}, begun bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other, there := s.fetches[name]; there {
		return other, false
	}
	s.fetches[name] = make(chan struct{})
	return nil, true
}

func (s *Store) endFetch(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.fetches[name])
	delete(s.fetches, name)
}

// bring downloads an image and gives it its name in the pool. What broke off stays
// for the next try; what nobody wants any more, or may have, goes.
func (s *Store) bring(ctx context.Context, o order) error {
	if o.sum == "" && o.sumsURL != "" {
		sum, err := s.publishedSum(ctx, o)
		if err != nil {
			return err
		}
		if o.sum = sum; s.sameSum(o) {
			return nil
		}
	}
	release, ok := s.claims.Take("download", o.id())
	if !ok {
		return &fusion.Error{Op: opFetch, Path: o.name, Cause: fusion.ErrBusy, Detail: "the same image is being fetched under another name",
			Hint: "choose that one, or try again once it has ended"}
	}
	defer release()
	d, err := s.openDownload(o)
	if err != nil {
		return s.poolError(opFetch, o.name, err)
	}
	err = errors.Join(s.download(ctx, o, d), d.close())
	if err == nil {
		err = s.accept(ctx, o, d)
	}
	if err != nil && !d.worthKeeping(ctx, err) {
		d.remove()
	}
	if errors.Is(err, errWrongSum) {
		err = invalid(opFetch, o.name, "what came has the sum "+d.sum+", and not "+o.sum,
			"the file was damaged or changed; fetch it again, and if that is no help, do not use it")
	}
	return err
}

// sameSum says whether the pool has the image after all, now that its sum is known.
func (s *Store) sameSum(o order) bool {
	there, err := s.fetched(o)
	return there && err == nil
}

// download fills d from the first source that has all of it: the owner's other
// hosts, then the address.
func (s *Store) download(ctx context.Context, o order, d *download) error {
	for _, peer := range s.peersWith(ctx, o.sum) {
		err := s.pull(ctx, o, d, peer, 1)
		if err == nil {
			err = d.check(ctx, o.sum)
		}
		if err == nil || ctx.Err() != nil {
			return cmp.Or(ctx.Err(), err)
		}
		s.config.Log.Info("another host's image was not taken", "image", o.name, "from", peer.name(), "error", err, "trace", fusion.Trace(ctx))
		if !isPassing(err) { // what it sent cannot be told from what is right
			if err := d.clear(); err != nil {
				return err
			}
		}
	}
	err := s.pull(ctx, o, d, &webSource{url: o.url}, mostTries)
	if err == nil {
		err = d.check(ctx, o.sum)
	}
	if d.note.Peer && errors.Is(err, errWrongSum) { // the part that another host sent is to blame
		if err := d.clear(); err != nil {
			return err
		}
		if err = s.pull(ctx, o, d, &webSource{url: o.url}, mostTries); err == nil {
			err = d.check(ctx, o.sum)
		}
	}
	return err
}

// accept gives a whole download its name, if it is an image that may be used.
func (s *Store) accept(ctx context.Context, o order, d *download) error {
	_, _, err := imagefile.Inspect(d.path)
	switch {
	case errors.Is(err, imagefile.ErrPacked):
		return invalid(opFetch, o.name, "what came is packed", "unpack it on your computer and upload the image in it")
	case errors.Is(err, imagefile.ErrNoImage):
		return invalid(opFetch, o.name, "what came is no image of a disk or a CD", "see in a browser what the address gives")
	case errors.Is(err, imagefile.ErrPointing), errors.Is(err, imagefile.ErrBroken), errors.Is(err, imagefile.ErrForeign):
		return invalid(opFetch, o.name, err.Error(), "take an image of qcow2 or raw format that stands for itself")
	case err != nil:
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.pool.Place(opFetch, o.name, d.path, imagepool.Note{Sum: d.sum, Source: o.url, Arch: o.arch, User: o.user}); err != nil {
		return err
	}
	d.forget()
	s.config.Log.Info("image fetched", "image", o.name, "from", o.url, "sum", d.sum, "trace", fusion.Trace(ctx))
	return nil
}

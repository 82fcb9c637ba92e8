package vmctl

import (
	"fmt"
	"strconv"
	"strings"

	"hither/fusion"
	"hither/vmctl/devxml"
	"hither/vmctl/domxml"
)

// fakeTexts are a domain's definitions; now is "" while it is off.
type fakeTexts struct{ next, now string }

// restart gives a domain that began to run, or ended, its definition.
func (f *fake) restart(uuid string) {
	f.mu.Lock()
	d, t := f.all[uuid], f.texts[uuid]
	if t != nil && !d.active {
		t.now = ""
	} else if t != nil && t.now == "" {
		t.now = t.next
	}
	f.mu.Unlock()
	if t != nil {
		f.reread(uuid)
	}
}

// reread brings a domain up to its definition, and tells.
func (f *fake) reread(uuid string) {
	f.mu.Lock()
	d, t := f.all[uuid], *f.texts[uuid]
	f.mu.Unlock()
	text := t.next
	if t.now != "" {
		text = t.now
	}
	info, err := domxml.ReadInfo(text)
	if err != nil {
		panic(err)
	}
	d.Info = info
	if _, uuid := nameAndUUID(t.next); uuid != d.uuid {
		panic("a domain's UUID changed")
	}
	f.put(d)
}

func (f *fake) redefine(d domain, text string) error {
	if _, err := domxml.Parse(text); err != nil {
		return &driverError{fusion.ErrInvalid, err.Error()}
	}
	t := f.textsOf(d.uuid)
	t.next = text
	f.write(d.uuid, t)
	return nil
}

// write replaces a domain's definitions, and tells.
func (f *fake) write(uuid string, t fakeTexts) {
	f.mu.Lock()
	f.texts[uuid] = &t
	f.mu.Unlock()
	f.reread(uuid)
}

// textsOf gives a domain's definitions; one that was put by a test gets some.
func (f *fake) textsOf(uuid string) fakeTexts {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.all[uuid]
	t := f.texts[uuid]
	if t == nil {
		t = &fakeTexts{next: fmt.Sprintf(`<domain type='qemu'><name>x</name><uuid>%s</uuid><memory unit='KiB'>%d</memory><vcpu>%d</vcpu><os><type>hvm</type></os><devices>`+
			`<graphics type='%s'/></devices></domain>`, uuid, d.MemoryBytes>>10, d.CPUs, d.Display)}
		f.texts[uuid] = t
	}
	switch {
	case !d.active:
		t.now = ""
	case t.now == "":
		t.now = t.next
	}
	return *t
}

func (f *fake) definitions(uuid string) (now, next string, err error) {
	if _, err := f.domain(uuid); err != nil {
		return "", "", err
	}
	t := f.textsOf(uuid)
	return t.now, t.next, f.refusal("definitions")
}

// change edits the definition of the next start, or of what runs.
func (f *fake) change(what, uuid string, live bool, edit func(n *domxml.Element) (string, error)) error {
	if err := f.refusal(what); err != nil {
		return err
	}
	half := map[bool]string{true: "live ", false: "next "}[live] + what
	if err := f.refusal(half); err != nil {
		return err
	}
	t := f.textsOf(uuid)
	place := &t.next
	if live {
		place = &t.now
	}
	n, err := domxml.Parse(*place)
	if err == nil {
		*place, err = edit(n)
	}
	if err != nil {
		return &driverError{fusion.ErrInvalid, err.Error()}
	}
	f.write(uuid, t)
	return nil
}

func (f *fake) limits(string, string, string) (limits, error) { return f.can, f.refusal("limits") }

func (f *fake) setMemory(uuid string, bytes int64, live bool) error {
	return f.change("memory", uuid, live, func(n *domxml.Element) (string, error) {
		text := fmt.Sprintf("<currentMemory unit='b'>%d</currentMemory>", bytes)
		if live && f.stiff {
			return n.Whole, nil
		}
		edits := []domxml.Edit{n.Put(text)}
		if old := n.One("currentMemory"); old != nil {
			edits = append(edits, old.Cut())
		}
		if !live {
			edits = append(edits, n.One("memory").Cut(), n.Put(strings.ReplaceAll(text, "currentMemory", "memory")))
		}
		return domxml.Apply(n.Whole, edits...), nil
	})
}

func (f *fake) setCPUs(uuid string, count int, live bool) error {
	return f.change("cpus", uuid, live, func(n *domxml.Element) (string, error) {
		most, _ := strconv.Atoi(n.One("vcpu").Inner()) // what is none is 0
		if live && count > most {
			return "", fmt.Errorf("requested vcpus is greater than max allowable vcpus for the live domain: %d > %d", count, most)
		}
		return domxml.Apply(n.Whole, n.One("vcpu").Cut(), n.Put(fmt.Sprintf("<vcpu current='%d'>%d</vcpu>", count, max(most, count)))), nil
	})
}

func (f *fake) attach(uuid, device string, live bool) error {
	return f.change("attach", uuid, live, func(n *domxml.Element) (string, error) {
		return domxml.Apply(n.Whole, n.One("devices").Put(device)), nil
	})
}

// same finds the device that a text is about: by its target or its MAC.
func same(n *domxml.Element, device string) (*domxml.Element, error) {
	want, err := domxml.Parse(device)
	if err != nil {
		return nil, err
	}
	for _, d := range n.One("devices").All(want.Name) {
		if domxml.DiskName(d) == domxml.DiskName(want) && domxml.MACOf(d) == domxml.MACOf(want) && devxml.Of(d.Source()) == devxml.Of(want.Source()) {
			return d, nil
		}
	}
	return nil, fmt.Errorf("no such device")
}

func (f *fake) detach(uuid, device string, live bool) error {
	return f.change("detach", uuid, live, func(n *domxml.Element) (string, error) {
		d, err := same(n, device)
		if err != nil || live && f.stiff {
			return n.Whole, err
		}
		return domxml.Apply(n.Whole, d.Cut()), nil
	})
}

func (f *fake) update(uuid, device string, live bool) error {
	return f.change("update", uuid, live, func(n *domxml.Element) (string, error) {
		d, err := same(n, device)
		if err != nil {
			return "", err
		}
		return domxml.Apply(n.Whole, d.Cut(), n.One("devices").Put(device)), nil
	})
}

func (f *fake) diskSize(string, string) (int64, error) { return 1 << 30, f.refusal("size") }

func (f *fake) save(uuid string) error {
	if f.acting != nil {
		f.acting <- fusion.Save
		<-f.goOn
	}
	if err := f.refusal("save"); err != nil {
		return err
	}
	f.mu.Lock()
	d := f.all[uuid]
	f.mu.Unlock()
	d.state, d.active = fusion.Saved, false
	f.put(d)
	f.restart(uuid)
	return nil
}

func (f *fake) setMetadata(uuid, key, uri, content string) error {
	for _, live := range []bool{false, true} {
		if live && f.textsOf(uuid).now == "" {
			continue
		}
		err := f.change("metadata", uuid, live, func(n *domxml.Element) (string, error) {
			content := strings.Replace(content, "<"+key, "<"+key+" xmlns='"+uri+"'", 1)
			metadata := n.One("metadata")
			if metadata == nil {
				return domxml.Apply(n.Whole, n.Put("<metadata>"+content+"</metadata>")), nil
			}
			edits := []domxml.Edit{metadata.Put(content)}
			for _, old := range metadata.Children {
				if old.Attr("xmlns") == uri {
					edits = append(edits, old.Cut())
				}
			}
			return domxml.Apply(n.Whole, edits...), nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *fake) rename(uuid, name string) error {
	if err := f.refusal("rename"); err != nil {
		return err
	}
	f.mu.Lock()
	d := f.all[uuid]
	f.mu.Unlock()
	d.name = name
	f.put(d)
	return nil
}

func (f *fake) setAutostart(uuid string, on bool) error {
	f.mu.Lock()
	d := f.all[uuid]
	f.mu.Unlock()
	d.autostart = on
	f.put(d)
	return f.refusal("autostart")
}

package vmctl

import (
	"cmp"
	"strings"

	"hither/fusion"
)

func (f *fake) definition(uuid string, _ bool) (string, error) {
	if _, err := f.domain(uuid); err != nil {
		return "", err
	}
	return cmp.Or(f.moving.text, "<domain/>"), nil
}

func (f *fake) migrate(string, migrationPlan) error {
	return &driverError{fusion.ErrUnsupported, "the fake does not move machines"}
}

func (f *fake) recovered(uuid string) error {
	_, err := f.domain(uuid)
	return err
}

func (f *fake) progress(string) (fusion.Progress, error) { return fusion.Progress{}, nil }

// fakeMoves says what machines from elsewhere lack here.
type fakeMoves struct {
	kind, cpu string // why that cannot be had
	text      string // the definition of every domain, when set
}

func (f *fake) canRun(string, string, string) (string, error) { return f.moving.kind, nil }

func (f *fake) hasCPU(_, _, _, cpu string) (string, error) {
	if !strings.HasPrefix(cpu, "<cpu") {
		return "", &driverError{fusion.ErrInvalid, "that is no processor: " + cpu}
	}
	return f.moving.cpu, nil
}

func (f *fake) hostCPU() (string, error) { return "<cpu><model>fake</model></cpu>", nil }

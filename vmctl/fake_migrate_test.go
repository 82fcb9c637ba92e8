package vmctl

import (
	"hither/fusion"
)

func (f *fake) definition(uuid string, _ bool) (string, error) {
	if _, err := f.domain(uuid); err != nil {
		return "", err
	}
	return "<domain/>", nil
}

func (f *fake) migrate(string, migrationPlan) error {
	return &driverError{fusion.ErrUnsupported, "the fake does not move machines"}
}

func (f *fake) recovered(uuid string) error {
	_, err := f.domain(uuid)
	return err
}

func (f *fake) progress(string) (fusion.Progress, error) { return fusion.Progress{}, nil }

package vmctl

func (f *fake) persistent(uuid string) (string, error) {
	if err := f.refusal("persistent"); err != nil {
		return "", err
	}
	if _, err := f.domain(uuid); err != nil {
		return "", err
	}
	return f.textsOf(uuid).next, nil
}

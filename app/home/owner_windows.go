package home

func writable(string) bool { return true }

// private trusts the user profile's access list, which Windows keeps.
func private(string) error { return nil }

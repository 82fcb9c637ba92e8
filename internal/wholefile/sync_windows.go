package wholefile

// syncDir does nothing: NTFS journals the rename, and a directory cannot be
// opened for sync.
func syncDir(string) error { return nil }

package fusion

import "context"

// Folder is a directory kept equal on several hosts.
type Folder struct {
	Name string `json:"name"`
	Path string `json:"path"`
	// State is "idle", "scanning", "syncing", "waiting" (a host is away) or
	// "error" (then Note says why).
	State       string `json:"state"`
	NeedBytes   int64  `json:"needBytes"`
	NeedFiles   int64  `json:"needFiles"`
	GlobalBytes int64  `json:"globalBytes"`
	GlobalFiles int64  `json:"globalFiles"`
	// Hosts are the other hosts it is shared with: HostIDs inside a Host,
	// names for a person.
	Hosts []string `json:"hosts"`
	Note  string   `json:"note,omitempty"`
}

// Folders are the synced directories of one host.
type Folders interface {
	List(ctx context.Context) ([]Folder, error)
	// Get promises ErrNotFound.
	Get(ctx context.Context, name string) (Folder, error)
	// Add begins to keep the directory at path (made if missing) under name.
	// It promises ErrExists and ErrInvalid.
	Add(ctx context.Context, name, path string) (Folder, error)
	// Share offers the folder to a paired host, which takes it at once when it
	// is the owner's own. It promises ErrNotFound and ErrUnpaired.
	Share(ctx context.Context, name string, host HostID) error
	// Remove stops keeping the folder and leaves its files. It promises
	// ErrNotFound.
	Remove(ctx context.Context, name string) error
	// Watch is as Machines.Watch.
	Watch(ctx context.Context, changed func(f Folder, removed bool)) error
}

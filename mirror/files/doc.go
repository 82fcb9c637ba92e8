// Package files carries files between the two sides of a view: those that a
// person copied in a file manager and pastes on the other side, and those that
// are dropped onto the view.
//
// An Exchange is one side's half. It tells the other side of files by a ticket,
// sends them when they are taken, and writes what it takes into a Place: a Store
// of private directories for what is pasted, the Downloads for what is dropped.
// A transfer is streamed from disk to disk, holds pieces of 16 KiB,
// at most 2 MiB of them in memory, and lets the view's other messages pass. Nothing is seen of it
// before it is whole; what ends early leaves nothing.
//
// The other side is not trusted: names are made safe one by one, all is written
// below a directory that was made for it (os.Root), and the number, size and
// depth of what comes is bounded, as is the disk that it takes. Symbolic links,
// devices, sockets and pipes are never sent.
//
// An Exchange runs a goroutine for each of the two directions that is under way,
// and one while it looks at what is to be sent; Close ends and awaits them.
package files

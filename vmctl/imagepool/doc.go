// Package imagepool keeps the files of a host's image pool: what was uploaded or fetched, and
// the disks, seeds and variables of machines. A file is there whole or not at all: it is made
// under a name that nobody can ask for (Partial), put on the disk, and renamed. Claims keep two
// from making or removing one thing at a time, and a reserve of the file system stays free.
package imagepool

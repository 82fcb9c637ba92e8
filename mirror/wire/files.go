package wire

import "unicode/utf8"

// Types of messages about files from host to viewer; those of the other
// direction are higher by viewerSide. A drop comes from a viewer only.
const (
	typeFileDrop  = 0x1b | viewerSide
	typeFileTake  = 0x1c
	typeFileEntry = 0x1d
	typeFilePiece = 0x1e
	typeFileNews  = 0x1f

	entryHeader = 1 + 4 + 1 + 8
	newsHeader  = 1 + 4 + 1 + 1 + 8
)

// Files is the type of an offer of files. What is pasted of it is a FileTicket;
// the files themselves come once they are taken.
const Files = "application/x-hither-files"

// Bounds of files.
const (
	MaxFilePiece = MaxMessage - 1 - 4 // bytes of one FilePiece
	MaxFilePath  = 4 << 10            // bytes of an entry's path
)

// FileCost is what an entry or a piece counts in FileNews.Count beside its
// bytes on the wire.
const FileCost = 64

// FileTicket names files that a side will send when they are taken.
type FileTicket struct {
	ID    uint32 // the side's own, not used again in a view
	Files uint32
	Bytes uint64 // of all files, as far as is known
}

// FileDrop says that the person dropped files onto the view, where the pointer
// is.
type FileDrop struct{ FileTicket }

// FileTake asks for the files of the other side's ticket.
type FileTake struct {
	From Side
	ID   uint32
}

// FileEntry begins a file of Size bytes, which pieces follow, or names a
// directory. A directory comes before what is in it.
type FileEntry struct {
	From Side
	ID   uint32
	Dir  bool
	Size uint64
	Path string // relative, parts separated by "/"
}

// FilePiece is the next piece of the file whose entry came last.
type FilePiece struct {
	From  Side
	ID    uint32
	Bytes []byte
}

// FileWord is what is said of a transfer.
type FileWord byte

// The words of the side that sends the files, and of the one that gets them.
const (
	FilesSent   FileWord = 0 // all of them
	FilesBroken FileWord = 1 // no more will come
	FilesGot    FileWord = 2 // Count says how much of it so far
	FilesKept   FileWord = 3 // all of them; Text says where
	FilesStop   FileWord = 4 // they are not wanted, or not any more
)

// FileReason says why files do not come.
type FileReason byte

// Reasons for FilesBroken and FilesStop.
const (
	FilesFailed    FileReason = 0 // Text says more
	FilesCancelled FileReason = 1 // a person did
	FilesNoRoom    FileReason = 2 // the disk or the bounds of the receiver
	FilesForbidden FileReason = 3 // no permission
	FilesNowhere   FileReason = 4 // this screen has no place for files
	FilesBusy      FileReason = 5 // others are on their way
	FilesGone      FileReason = 6 // the ticket is not known any more
)

// FileNews says how a transfer stands.
type FileNews struct {
	From   Side
	ID     uint32
	Word   FileWord
	Reason FileReason
	Count  uint64
	Text   string
}

// isFile says whether a type is about files, of this side.
func isFile(kind byte, from Side) bool {
	return kind >= typeFileTake|byte(from) && kind <= typeFileNews|byte(from) || from == ViewerSide && kind == typeFileDrop
}

const ticketSize = 4 + 4 + 8

// Append appends the ticket's bytes: what is pasted of Files.
func (t FileTicket) Append(b []byte) []byte {
	return be.AppendUint64(be.AppendUint32(be.AppendUint32(b, t.ID), t.Files), t.Bytes)
}

// ParseFileTicket reads what was pasted of Files.
func ParseFileTicket(b []byte) (FileTicket, error) {
	if len(b) != ticketSize {
		return FileTicket{}, invalid("ticket of files")
	}
	return FileTicket{be.Uint32(b), be.Uint32(b[4:]), be.Uint64(b[8:])}, nil
}

func parseFile(kind byte, b []byte) (Message, error) {
	if kind == typeFileDrop {
		return parseDrop(b)
	}
	from := Side(kind & viewerSide)
	if len(b) < 4 {
		return nil, invalid("message about files is too short")
	}
	id, rest := be.Uint32(b), b[4:]
	switch kind &^ viewerSide {
	case typeFileTake:
		if len(rest) != 0 {
			return nil, invalid("take of files")
		}
		return FileTake{from, id}, nil
	case typeFileEntry:
		return parseEntry(from, id, rest)
	case typeFilePiece:
		return FilePiece{from, id, rest}, nil
	}
	if len(rest) < newsHeader-5 || !utf8.Valid(rest[10:]) {
		return nil, invalid("news of files")
	}
	return FileNews{from, id, FileWord(rest[0]), FileReason(rest[1]), be.Uint64(rest[2:]), string(rest[10:])}, nil
}

func parseDrop(b []byte) (Message, error) {
	ticket, err := ParseFileTicket(b)
	return FileDrop{ticket}, err
}

func parseEntry(from Side, id uint32, b []byte) (Message, error) {
	if len(b) < entryHeader-5 {
		return nil, invalid("entry of files is too short")
	}
	path := b[9:]
	if len(path) == 0 || len(path) > MaxFilePath || !utf8.Valid(path) {
		return nil, invalid("path of a file")
	}
	return FileEntry{from, id, b[0]&1 != 0, be.Uint64(b[1:]), string(path)}, nil
}

func (m FileDrop) Append(b []byte) []byte {
	return m.FileTicket.Append(append(b, typeFileDrop))
}

func (m FileTake) Append(b []byte) []byte {
	return be.AppendUint32(append(b, typeFileTake|byte(m.From)), m.ID)
}

func (m FileEntry) Append(b []byte) []byte {
	b = be.AppendUint32(append(b, typeFileEntry|byte(m.From)), m.ID)
	b = be.AppendUint64(append(b, flag(m.Dir)), m.Size)
	return append(b, m.Path...)
}

func (m FilePiece) Append(b []byte) []byte {
	return append(be.AppendUint32(append(b, typeFilePiece|byte(m.From)), m.ID), m.Bytes...)
}

func (m FileNews) Append(b []byte) []byte {
	b = be.AppendUint32(append(b, typeFileNews|byte(m.From)), m.ID)
	b = be.AppendUint64(append(b, byte(m.Word), byte(m.Reason)), m.Count)
	return append(b, clip(m.Text, newsHeader)...)
}

// Cost is what the entry counts in FileNews.Count.
func (m FileEntry) Cost() int { return entryHeader + len(m.Path) + FileCost }

// Cost is what the piece counts in FileNews.Count.
func (m FilePiece) Cost() int { return 1 + 4 + len(m.Bytes) + FileCost }

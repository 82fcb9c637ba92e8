// Package computer is the computer that it runs on, as its system describes it: what it is
// (Machine), what it uses (Stats), its file systems and, on Linux, its processes. It only
// reads, and runs nothing. What a system does not tell is left zero.
package computer

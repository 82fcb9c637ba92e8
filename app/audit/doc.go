// Package audit writes down what other computers do here, and what the owner changes about
// who may do what, so that it can be read afterwards: hither audit. It also knows what other
// computers have open now, and ends it when the owner says so.
//
// A Log is files of JSON lines that only grow (docs/disk.md, "The audit log"). Each record
// has the SHA-256 of the record before it and of itself, so that a line that is changed or
// missing is found; whoever can write the files can also write all of them anew, which shows
// only to somebody who noted a hash elsewhere. The log is bounded: the oldest files go.
//
// What is typed, pasted, said and stored is never written, nor the arguments of programs.
package audit

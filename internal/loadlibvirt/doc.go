// Package loadlibvirt keeps libvirt's libraries out of every process of a program
// but its node, on Linux. libvirt.org/go/libvirt opens them in an init function,
// wherever it is linked: 56 libraries, 70 ms and 30 MiB for a command that only
// asks the node something. The node is the process that has the word "up" among
// its arguments.
//
// Go cannot leave out an init function of a package that it links, so the
// program has a dlopen of its own, which only its own parts see (hidden
// visibility, https://gcc.gnu.org/wiki/Visibility): it refuses libvirt's
// libraries and passes on everything else (dlopen(3)).
package loadlibvirt

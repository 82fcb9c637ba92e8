// Package vmctl is the machines of this computer: its own operating system,
// called "self", and the virtual machines that libvirt runs. Open a Store and
// use it as fusion.Machines; OpenConsole gives a machine's display as an RFB
// (VNC) connection that never touches TCP. Terminals gives serial consoles, shared by
// their viewers, and shells of "self"; Guests what the agents in machines do.
//
// It is fusion.Copies too: clones, templates, and machines in files.
//
// It refuses names that fusion.CheckName refuses, paths outside its image pool,
// images that point at other files, and verbs that make no sense now. It trusts
// libvirt and the programs beside it (qemu-img, qemu-system-x86_64); an image is
// not trusted.
//
// Images is its image pool as fusion.Images; it reaches for the addresses of its
// catalogue, and for others that it is told. What a server sends is not trusted.
//
// Networks, Forwards and Storage are its other parts: what machines are plugged
// into, ports of this computer that lead to them, and where their disks are.
//
// It keeps DIR/images (the pool: what was uploaded or fetched and the disks that
// Create made), DIR/forwards.json (the port forwards), DIR/redirections.json and
// DIR/loans (USB devices of other hosts, and of this one for others), DIR/kvm.json
// (whether KVM ran, per boot), DIR/meters (what was measured in the last day) and, with the URI "private",
// DIR/libvirt (definitions, logs and sockets of a libvirtd of the node's own).
// That daemon and QEMU run in process sessions of their own and survive the
// node; the next Open adopts them and StopAll ends them. One goroutine per Store
// follows events and reconnects; there is one more for each serial console that is
// looked at, two for each shell, and another, shared by all Stores, is libvirt's
// event loop. Nothing is polled, but for Meters, once a second while somebody looks.
package vmctl

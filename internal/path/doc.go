// Package path is a long and lossy network path on one machine, for tests and
// measurements: two network namespaces, each with a TUN device, and packets
// that are carried between the two with delay, loss and a rate. It stands in
// for netem, which not every kernel has, and needs root on Linux.
//
//	p, err := path.Open(path.Config{Shape: path.Shape{Delay: 20 * time.Millisecond, Loss: 0.01}})
//	err = p.Far.Start(exec.Command("server"))            // runs in Far's namespace
//	err = p.Near.Start(exec.Command("client", p.Far.Addr.String()))
//	p.Set(path.Shape{Loss: 1})                           // the path is cut
//	err = p.Close()
//
// Each namespace has its own loopback device, an address of 10.77.0.0/30, and
// nothing else. Processes see the rest of the machine as it is.
package path

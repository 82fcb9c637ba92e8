// Package hosttest holds fusion's contract as tests, and a Host in memory that
// keeps it. Whoever implements fusion.Host calls Run; whoever needs a host but
// no libvirt, display or disk takes a Memory:
//
//	func TestHost(t *testing.T) {
//		hosttest.Run(t, hosttest.Options{VMs: true}, func(t *testing.T) (fusion.Host, fusion.HostID) {
//			return open(t)
//		})
//	}
//
// The tests ask for nothing beyond the comments in fusion, and wait for states
// instead of expecting them at once, so a real guest under QEMU passes too.
// They never stop, reboot or suspend the machine "self". What they create has
// a random name and is removed; uploaded images stay in the host's pool, as
// the contract has no way to remove them.
package hosttest

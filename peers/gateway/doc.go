// Package gateway asks the router of a home network to lead a port of this computer to
// the outside: by NAT-PMP (RFC 6886), else by UPnP (Internet Gateway Device, the service
// WANIPConnection or WANPPPConnection).
//
// The one way to use it: Run a Mapper until its context ends, and ask State. It asks the
// default gateway of IPv4 alone, and only where that and this computer have private
// addresses (RFC 1918). Nobody else is sent anything but one search by multicast (SSDP),
// and only the gateway's answer to it is read.
//
// The gateway is not trusted: answers are bounded and come from its address, its
// description and control URL must be on it, nothing is redirected, and an external
// address that cannot be one of the public network is ignored, and said.
//
// A mapping is asked for again every 20 seconds, as a router that restarts has forgotten
// it, ends by itself ten minutes after that stops, and is removed when Run ends.
package gateway

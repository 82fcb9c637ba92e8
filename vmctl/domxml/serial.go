package domxml

// serialXML is a serial port, or the console that libvirt makes of the first one
// (https://libvirt.org/formatdomain.html#consoles-serial-parallel-channel-devices).
type serialXML struct {
	Type string `xml:"type,attr"`
}

// serialPorts gives every machine one serial port, COM1, on a pseudoterminal of
// the host: nothing else on this computer or the network can reach it.
func serialPorts() []serialXML { return []serialXML{{Type: "pty"}} }

// opensSerial says whether virDomainOpenConsole has something to open: it takes
// the first console, else the first serial port, and only pseudoterminals and
// sockets.
func opensSerial(d devicesXML) bool {
	for _, list := range [][]serialXML{d.Consoles, d.Serials} {
		if len(list) > 0 {
			return list[0].Type == "pty" || list[0].Type == "unix"
		}
	}
	return false
}

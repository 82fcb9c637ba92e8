//go:build cgo && libvirt_dlopen

package loadlibvirt

import "C"

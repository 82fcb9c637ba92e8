//go:build tools

// Package tools keeps the modules that only some builds import in go.mod.
package tools

import (
	_ "connectrpc.com/connect"
	_ "github.com/coder/websocket"
	_ "github.com/godbus/dbus/v5"
	_ "github.com/jezek/xgb"
	_ "github.com/jezek/xgb/composite"
	_ "github.com/klauspost/compress/zstd"
	_ "github.com/libp2p/go-libp2p"
	_ "github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	_ "github.com/pion/webrtc/v4"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/schollz/pake/v3"
	_ "github.com/skip2/go-qrcode"
	_ "github.com/spf13/cobra"
	_ "github.com/syncthing/syncthing/lib/syncthing"
	_ "github.com/zalando/go-keyring"
	_ "go.uber.org/goleak"
	_ "golang.org/x/image/draw"
	_ "golang.org/x/sys/unix"
	_ "google.golang.org/protobuf/proto"
	_ "libvirt.org/go/libvirt"
	_ "pgregory.net/rapid"
)
import (
	_ "fyne.io/fyne/v2/app"
	_ "fyne.io/fyne/v2/widget"
	_ "fyne.io/systray"
	_ "github.com/wailsapp/wails/v2"
)

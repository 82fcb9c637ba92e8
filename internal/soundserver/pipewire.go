package soundserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pulseConf makes of PipeWire the pipewire-pulse that Debian 12 has. The package
// of that name would take the place of the computer's own PulseAudio.
const pulseConf = `context.spa-libs = { audio.convert.* = audioconvert/libspa-audioconvert support.* = support/libspa-support }
context.modules = [
  { name = libpipewire-module-rt flags = [ ifexists nofail ] } { name = libpipewire-module-protocol-native }
  { name = libpipewire-module-client-node } { name = libpipewire-module-adapter } { name = libpipewire-module-metadata }
  { name = libpipewire-module-protocol-pulse }
]
pulse.cmd = [ { cmd = "load-module" args = "module-always-sink" flags = [ ] } ]
pulse.properties = { server.address = [ "unix:native" ] vm.overrides = { pulse.min.quantum = 1024/48000 } }
`

// settings keep WirePlumber from the computer's own devices: up to 0.4 it is set
// up in Lua, then in files like PipeWire's. It needs a bus, on which nothing else
// is started.
var settings = map[string]string{
	".config/wireplumber/main.lua.d/51-none.lua":      "alsa_monitor.enabled = false\nv4l2_monitor.enabled = false\nlibcamera_monitor.enabled = false\n",
	".config/wireplumber/bluetooth.lua.d/51-none.lua": "bluez_monitor.enabled = false\n",
	".config/wireplumber/wireplumber.conf.d/none.conf": "wireplumber.profiles = { main = { hardware.audio = disabled," +
		" hardware.bluetooth = disabled, hardware.video-capture = disabled } }\n",
	"pulse.conf": pulseConf,
	"bus.conf": `<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
`,
}

// StartPipeWire runs PipeWire with WirePlumber and pipewire-pulse as Start runs
// pulseaudio; the modules are those of pipewire-pulse.
func StartPipeWire(t testing.TB, modules ...string) *Server {
	t.Helper()
	dir := directory(t)
	for name, text := range settings {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	bus := "unix:path=" + filepath.Join(dir, "bus")
	s := &Server{Socket: filepath.Join(dir, "pulse", "native"), bus: bus}
	s.run(t, dir, "dbus-daemon", "--config-file="+filepath.Join(dir, "bus.conf"), "--address="+bus, "--nofork", "--nopidfile")
	s.until(t, "D-Bus", there(dir, "bus"))
	s.run(t, dir, "pipewire")
	s.until(t, "PipeWire", there(dir, "pipewire-0"))
	s.run(t, dir, "wireplumber")
	s.run(t, dir, "pipewire", "-c", filepath.Join(dir, "pulse.conf"))
	s.until(t, "pipewire-pulse", there(dir, "pulse/native"))
	for _, m := range append([]string{"module-null-sink " + out}, modules...) {
		name, args, _ := strings.Cut(m, " ")
		if said, err := s.control("load-module", name, args); err != nil {
			t.Fatalf("load-module %s: %v: %s", m, err, said)
		}
	}
	s.until(t, "the default sink", func() bool {
		name, err := s.control("get-default-sink")
		return err == nil && strings.TrimSpace(name) == "out"
	})
	return s
}

// there says whether a file is in a directory.
func there(dir, name string) func() bool {
	return func() bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}
}

// control asks the server something, with pactl.
func (s *Server) control(args ...string) (string, error) {
	said, err := exec.Command("pactl", append([]string{"--server=unix:" + s.Socket}, args...)...).CombinedOutput()
	return string(said), err
}

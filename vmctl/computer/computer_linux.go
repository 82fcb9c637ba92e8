package computer

import (
	"bufio"
	"bytes"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hither/fusion"
)

// Machine is this computer as a machine. What /proc does not tell is left zero.
func Machine() fusion.Machine {
	return fusion.Machine{
		Name: fusion.Self, Kind: fusion.KindSelf, State: fusion.Running,
		CPUs: runtime.NumCPU(), MemoryBytes: memory()["MemTotal"],
		OS: osName(), Started: bootTime(), Disks: fileSystems(),
		Screen: true, Verbs: []fusion.Verb{},
	}
}

func Stats() fusion.Stats {
	m := memory()
	s := fusion.Stats{
		Name: fusion.Self, Time: time.Now(), CPUs: runtime.NumCPU(),
		MemoryBytes: m["MemTotal"], MemoryUsedBytes: m["MemTotal"] - m["MemAvailable"],
		CPUSeconds: cpuSeconds(proc("stat")), Load: loadAverage(),
	}
	s.DiskReadBytes, s.DiskWriteBytes = diskBytes(proc("diskstats"), isDisk)
	s.NetInBytes, s.NetOutBytes = netBytes(proc("net/dev"))
	return s
}

func proc(name string) []byte {
	data, err := os.ReadFile("/proc/" + name)
	if err != nil {
		return nil
	}
	return data
}

// lines yields the fields of each line.
func lines(data []byte) [][]string {
	var all [][]string
	for in := bufio.NewScanner(bytes.NewReader(data)); in.Scan(); {
		if fields := strings.Fields(in.Text()); len(fields) > 0 {
			all = append(all, fields)
		}
	}
	return all
}

// memory reads /proc/meminfo in bytes.
func memory() map[string]int64 {
	m := map[string]int64{}
	for _, f := range lines(proc("meminfo")) {
		if len(f) >= 2 {
			m[strings.TrimSuffix(f[0], ":")] = atoi(f[1]) << 10
		}
	}
	return m
}

func osName() string {
	for _, path := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
				return strings.Trim(value, `"'`)
			}
		}
	}
	return "Linux"
}

func bootTime() time.Time {
	for _, f := range lines(proc("stat")) {
		if f[0] == "btime" && len(f) == 2 {
			return time.Unix(atoi(f[1]), 0)
		}
	}
	return time.Time{}
}

// cpuSeconds adds user, nice, system, irq, softirq and steal of /proc/stat.
// Guests' time is within user.
func cpuSeconds(stat []byte) float64 {
	for _, f := range lines(stat) {
		if f[0] != "cpu" || len(f) < 9 {
			continue
		}
		var sum int64
		for _, i := range []int{1, 2, 3, 6, 7, 8} {
			sum += atoi(f[i])
		}
		return float64(sum) / ticks
	}
	return 0
}

func loadAverage() float64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return float64(info.Loads[0]) / (1 << 16)
}

// diskBytes adds what whole disks moved; a sector of diskstats has 512 bytes.
func diskBytes(diskstats []byte, isDisk func(name string) bool) (read, written int64) {
	for _, f := range lines(diskstats) {
		if len(f) >= 10 && isDisk(f[2]) {
			read += atoi(f[5]) * 512
			written += atoi(f[9]) * 512
		}
	}
	return read, written
}

// isDisk is true for hardware: loop, ram and device-mapper disks would count
// the same bytes again.
func isDisk(name string) bool {
	for _, prefix := range []string{"loop", "ram", "dm-", "zram", "md", "sr", "fd"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	_, err := os.Stat("/sys/block/" + name)
	return err == nil
}

// netBytes adds what the interfaces moved but for the loopback and for bridges'
// and guests' ends, which would count twice.
func netBytes(dev []byte) (in, out int64) {
	for line := range strings.Lines(string(dev)) {
		name, counters, ok := strings.Cut(line, ":")
		f := strings.Fields(counters)
		if !ok || len(f) < 9 || !countedInterface(strings.TrimSpace(name)) {
			continue
		}
		in += atoi(f[0])
		out += atoi(f[8])
	}
	return in, out
}

func countedInterface(name string) bool {
	for _, prefix := range []string{"lo", "virbr", "vnet", "tap", "veth", "docker", "br-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return true
}

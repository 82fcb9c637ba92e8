package seed

import (
	"bytes"
	"cmp"
	"strings"
	"text/template"

	"golang.org/x/crypto/bcrypt"

	"hither/fusion"
)

// replies are what an installer would ask. fusion.Seed.Check and the fields' own makers
// see that none of them has a quote, a blank or a line break.
type replies struct {
	Host, User, Locale string
	Hash               string   // of the password, "" when there is none
	Keys               []string // type and key, without the comment
	Packages           []string
	uuid               string

	Disk string // what is wiped; "" when Early says
	// Of a computer instead of a machine (Preseed): it starts anew when it is done, and runs
	// these in the installer: before it looks at the disks, and in the end.
	Bare        bool
	Early, Late string
}

// repliesOf gives what the installer is told.
func repliesOf(machine, uuid, hash string, seed fusion.Seed) replies {
	a := replies{Host: cmp.Or(seed.Hostname, fusion.HostnameFor(machine), "machine"), User: cmp.Or(seed.User, "user"),
		Locale: cmp.Or(seed.Locale, "en_US.UTF-8"), Packages: seed.Packages, uuid: uuid, Hash: hash, Disk: "/dev/vda"}
	for _, key := range seed.SSHKeys {
		a.Keys = append(a.Keys, strings.Join(strings.Fields(key)[:2], " "))
	}
	return a
}

// Hash gives what a system keeps of a password (crypt(5), "bcrypt").
func Hash(password string) (string, error) {
	if password == "" {
		return "", nil
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	return string(hash), err
}

// Words are the packages, with blanks between them.
func (a replies) Words() string { return strings.Join(a.Packages, " ") }

// preseedText is for Debian's installer (the installation guide's appendix B).
var preseedText = template.Must(template.New("preseed").Parse(`d-i debian-installer/locale string {{.Locale}}
d-i keyboard-configuration/xkb-keymap select us
d-i netcfg/choose_interface select auto
d-i netcfg/get_hostname string {{.Host}}
d-i netcfg/hostname string {{.Host}}
d-i netcfg/get_domain string
d-i hw-detect/load_firmware boolean false
d-i mirror/country string manual
d-i mirror/protocol select http
d-i mirror/http/hostname string deb.debian.org
d-i mirror/http/directory string /debian
d-i mirror/http/proxy string
d-i passwd/root-login boolean false
d-i passwd/user-fullname string {{.User}}
d-i passwd/username string {{.User}}
d-i passwd/user-password-crypted password {{or .Hash "!"}}
d-i clock-setup/utc boolean true
d-i clock-setup/ntp boolean true
d-i time/zone string Etc/UTC
{{if .Early}}d-i partman/early_command string {{.Early}}
{{end}}{{with .Disk}}d-i partman-auto/disk string {{.}}
{{end}}d-i partman-auto/method string regular
d-i partman-auto/choose_recipe select atomic
d-i partman-partitioning/confirm_write_new_label boolean true
d-i partman/choose_partition select finish
d-i partman/confirm boolean true
d-i partman/confirm_nooverwrite boolean true
d-i partman-efi/non_efi_system boolean true
d-i apt-setup/cdrom/set-first boolean false
d-i apt-setup/cdrom/set-next boolean false
d-i apt-setup/cdrom/set-failed boolean false
popularity-contest popularity-contest/participate boolean false
tasksel tasksel/first multiselect standard, ssh-server
d-i pkgsel/include string {{if not .Bare}}qemu-guest-agent {{end}}sudo{{with .Words}} {{.}}{{end}}
d-i pkgsel/update-policy select unattended-upgrades
d-i grub-installer/only_debian boolean true
d-i grub-installer/with_other_os boolean true
{{- with .Disk}}
d-i grub-installer/bootdev string {{.}}
{{- end}}
{{- if or .Keys .Late}}
d-i preseed/late_command string \
{{- if .Keys}}
  in-target install -d -m 700 -o {{.User}} -g {{.User}} /home/{{.User}}/.ssh; \
{{- range .Keys}}
  echo '{{.}}' >> /target/home/{{$.User}}/.ssh/authorized_keys; \
{{- end}}
{{- if not .Hash}}
  echo '{{.User}} ALL=(ALL) NOPASSWD: ALL' > /target/etc/sudoers.d/hither; chmod 440 /target/etc/sudoers.d/hither; \
{{- end}}
  in-target chown {{.User}}:{{.User}} /home/{{.User}}/.ssh/authorized_keys; \
{{- end}}
  {{or .Late ":"}}
{{- end}}
d-i finish-install/reboot_in_progress note
d-i cdrom-detect/eject boolean false
{{- if not .Bare}}
d-i debian-installer/exit/poweroff boolean true
{{- end}}
`))

// preseed is read from the installer's initramfs.
func preseed(a replies) (map[string][]byte, error) {
	return rendered("preseed.cfg", preseedText, a)
}

// kickstartText is for Anaconda (https://pykickstart.readthedocs.io).
var kickstartText = template.Must(template.New("kickstart").Parse(`text
lang {{.Locale}}
keyboard us
timezone Etc/UTC --utc
network --bootproto=dhcp --hostname={{.Host}}
rootpw --lock
user --name={{.User}} --groups=wheel {{if .Hash}}--iscrypted --password={{.Hash}}{{else}}--lock{{end}}
{{- range .Keys}}
sshkey --username={{$.User}} "{{.}}"
{{- end}}
zerombr
clearpart --all --initlabel --drives=vda
autopart
bootloader --boot-drive=vda
firstboot --disable
poweroff

%packages
@core
qemu-guest-agent
{{- range .Packages}}
{{.}}
{{- end}}
%end
{{- if not .Hash}}

%post
echo '{{.User}} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/hither
chmod 440 /etc/sudoers.d/hither
%end
{{- end}}
`))

// kickstart is read from a disk with the label OEMDRV.
func kickstart(a replies) (map[string][]byte, error) {
	return rendered("ks.cfg", kickstartText, a)
}

func rendered(name string, text *template.Template, a replies) (map[string][]byte, error) {
	var out bytes.Buffer
	err := text.Execute(&out, a)
	return map[string][]byte{name: out.Bytes()}, err
}

// autoinstallYAML are Subiquity's words
// (https://canonical-subiquity.readthedocs-hosted.com/en/latest/reference/autoinstall-reference.html).
type autoinstallYAML struct {
	Autoinstall struct {
		Version  int    `yaml:"version"`
		Locale   string `yaml:"locale"`
		Identity struct {
			Hostname string `yaml:"hostname"`
			Username string `yaml:"username"`
			Password string `yaml:"password"` // a hash
		} `yaml:"identity"`
		SSH struct {
			Install  bool     `yaml:"install-server"`
			Keys     []string `yaml:"authorized-keys,omitempty"`
			Password bool     `yaml:"allow-pw"`
		} `yaml:"ssh"`
		Packages []string `yaml:"packages"`
		Storage  struct {
			Layout struct {
				Name string `yaml:"name"`
			} `yaml:"layout"`
		} `yaml:"storage"`
		Late     []string `yaml:"late-commands,omitempty"`
		Shutdown string   `yaml:"shutdown"`
	} `yaml:"autoinstall"`
}

// autoinstall is read as cloud-init's user data.
func autoinstall(a replies) (map[string][]byte, error) {
	var x autoinstallYAML
	y := &x.Autoinstall
	y.Version, y.Locale, y.Shutdown = 1, a.Locale, "poweroff"
	y.Identity.Hostname, y.Identity.Username, y.Identity.Password = a.Host, a.User, cmp.Or(a.Hash, "!")
	y.SSH.Install, y.SSH.Keys, y.SSH.Password = true, a.Keys, a.Hash != ""
	y.Packages = append([]string{"qemu-guest-agent"}, a.Packages...)
	y.Storage.Layout.Name = "direct"
	if a.Hash == "" {
		y.Late = []string{"echo '" + a.User + " ALL=(ALL) NOPASSWD: ALL' > /target/etc/sudoers.d/hither", "chmod 440 /target/etc/sudoers.d/hither"}
	}
	text, err := yamlText(x)
	if err != nil {
		return nil, err
	}
	meta, err := yamlText(metaData{a.uuid, a.Host})
	return map[string][]byte{"user-data": append([]byte("#cloud-config\n"), text...), "meta-data": meta}, err
}

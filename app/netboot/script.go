package netboot

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"

	"hither/fusion"
)

// What a computer is told: iPXE's scripts (https://ipxe.org/scripting), and the files that
// are laid over the installer's initramfs.

//go:embed late.sh
var lateScript []byte

//go:embed hither.service
var nodeUnit string

//go:embed hither-pair.service
var pairUnit string

// mostRounds bounds how often a computer asks what it is to do before it goes on with what
// comes after the network in its boot order: ten minutes. Else one with a system on its
// disk would wait for ever.
const mostRounds = 100

// words are what the scripts are made of. All are checked or made here: none has a line break.
type words struct {
	Host, At, MAC, Name, Disk, Token, Args, Note string
	Round                                        int // the next
	Last                                         bool
}

// BootIF is the card as Debian's installer takes it.
func (w words) BootIF() string { return "01-" + strings.ReplaceAll(w.MAC, ":", "-") }

const diskPart = `
:disk
iseq ${platform} pcbios && sanboot --no-describe --drive 0x80 ||
exit
`

var waitText = template.Must(template.New("wait").Parse(`#!ipxe
:again
echo
echo Hither on {{.Host}}: this computer waits to be installed.
{{- with .Note}}
echo It was not installed: {{.}}
{{- end}}
echo Nothing is written to its disk before its owner says so on {{.Host}}:
echo   hither netboot install {{.MAC}} --name NAME
{{- if .Last}}
echo Nobody did: it goes on with its disk.
goto disk
{{- else}}
prompt --key s --timeout 5000 Press s to start from its disk instead. && goto disk ||
sleep 1
chain --replace http://{{.At}}/boot.ipxe?round={{.Round}} || goto again
{{- end}}
` + diskPart))

var diskText = template.Must(template.New("disk").Parse(`#!ipxe
echo
echo Hither on {{.Host}}: {{.Name}} starts from its disk.
` + diskPart))

var installText = template.Must(template.New("install").Parse(`#!ipxe
echo
echo Hither on {{.Host}} installs this computer as {{.Name}}. What is on {{or .Disk "its first disk"}} is lost.
kernel http://{{.At}}/t/{{.Token}}/linux initrd=initrd.gz initrd=seed.cpio BOOTIF={{.BootIF}} {{.Args}} || goto failed
initrd --name initrd.gz http://{{.At}}/t/{{.Token}}/initrd.gz || goto failed
initrd --name seed.cpio http://{{.At}}/t/{{.Token}}/seed.cpio || goto failed
boot || goto failed
:failed
echo The installer could not be loaded.
sleep 5
chain --replace http://{{.At}}/boot.ipxe || goto failed
`))

func written(t *template.Template, w words) []byte {
	var out bytes.Buffer
	if err := t.Execute(&out, w); err != nil {
		panic(err) // the templates are ours, and words has what they name
	}
	return out.Bytes()
}

// echoed makes a text fit for one line of a script.
func echoed(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune("${}|&;", r) {
			return ' '
		}
		return r
	}, text)
}

// seedFiles are laid over the installer's initramfs.
func (s *Server) seedFiles(o *order, at, sum string) (map[string][]byte, error) {
	base := fmt.Sprintf("http://%s/t/%s", at, o.Token)
	early := "wget -q -O /dev/null " + base + "/step/installing || :"
	if o.Spec.Disk == "" {
		early += `; disk=$(list-devices disk | head -n 1); debconf-set partman-auto/disk "$disk"; debconf-set grub-installer/bootdev "$disk"`
	}
	preseed, err := s.cfg.Preseed(o.Spec.Seed, o.Hash, o.Spec.Disk, early, "sh /hither-late.sh || :")
	if err != nil {
		return nil, &fusion.Error{Op: opInstall, Path: o.Spec.Name, Cause: err}
	}
	// Names and users are checked, so that these need no quotes.
	fill := strings.NewReplacer("@USER@", o.Spec.Seed.User, "@NAME@", o.Spec.Name)
	return map[string][]byte{
		"preseed.cfg":         preseed,
		"hither-late.sh":      lateScript,
		"hither-late.env":     fmt.Appendf(nil, "base=%s\nsum=%s\nuser=%s\n", base, sum, o.Spec.Seed.User),
		"hither.service":      []byte(fill.Replace(nodeUnit)),
		"hither-pair.service": []byte(fill.Replace(pairUnit)),
		"hither-join":         fmt.Appendf(nil, "CODE=%s\nADDR=%s\n", o.Code, o.addr),
	}, nil
}

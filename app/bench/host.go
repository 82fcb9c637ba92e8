//go:build linux

package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
)

// The parts of a file of libvirt's test driver (https://libvirt.org/drvtest.html)
// that the machines need.
type hostXML struct {
	XMLName xml.Name    `xml:"node"`
	Domains []domainXML `xml:"domain"`
}

type domainXML struct {
	Type   string `xml:"type,attr"`
	NS     string `xml:"xmlns:test,attr"`
	Name   string `xml:"name"`
	UUID   string `xml:"uuid"`
	Memory int    `xml:"memory"` // KiB
	VCPU   int    `xml:"vcpu"`
	OS     string `xml:"os>type"`
	Disk   struct {
		Type   string `xml:"type,attr"`
		Source struct {
			File string `xml:"file,attr"`
		} `xml:"source"`
		Target struct {
			Dev string `xml:"dev,attr"`
		} `xml:"target"`
	} `xml:"devices>disk"`
	Graphics struct {
		Type string `xml:"type,attr"`
	} `xml:"devices>graphics"`
	RunState int `xml:"test:runstate"`
}

// The states of virDomainState that machines begin in.
const (
	running = 1
	off     = 5
)

const testNamespace = "http://libvirt.org/schemas/domain/test/1.0"

// machineName is the name of the machine number i; the even ones run.
func machineName(i int) string { return fmt.Sprintf("m-%04d", i) }

// writeHost makes a host of n machines, each with a disk that is a file, and gives its
// libvirt URI.
func writeHost(dir string, n int) (uri string, err error) {
	host := hostXML{}
	for i := range n {
		d := domainXML{Type: "test", NS: testNamespace, Name: machineName(i), UUID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i),
			Memory: 1 << 20, VCPU: 2, OS: "hvm", RunState: off}
		if i%2 == 0 {
			d.RunState = running
		}
		d.Disk.Type, d.Disk.Target.Dev, d.Graphics.Type = "file", "vda", "vnc"
		d.Disk.Source.File = filepath.Join(dir, d.Name+".img")
		if err := os.WriteFile(d.Disk.Source.File, bytes.Repeat([]byte{1}, 4096), 0o600); err != nil {
			return "", err
		}
		host.Domains = append(host.Domains, d)
	}
	text, err := xml.MarshalIndent(host, "", " ")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "host.xml")
	return "test://" + path, os.WriteFile(path, text, 0o600)
}

// Package folder keeps directories equal on several of the owner's computers.
// The owner adds a directory under a name and shares it with a paired host;
// from then on a change on either side arrives on the other, and a file that
// changed on both sides while they were apart is kept in both versions.
//
// Syncthing's model does the work inside this process. It opens no port: every
// connection is a stream that the node's Dial and Listener give, on which the
// two sides prove Syncthing's own device keys to each other over TLS. The
// first byte of a stream says what it carries: 'C' one question and its answer
// (offer a folder, leave it, check what is kept; see message.go), 'D' the
// block exchange. Of two hosts the one with the smaller HostID dials 'D'.
//
// It trusts Config.Paired: an offer is taken only from a host that may use
// files here, files flow only for folders that this host offered itself or
// whose other side may still use files here, and a device key is believed only
// for the host whose stream brought it. Discovery, relays, NAT traversal, usage
// and crash reports, upgrades and Syncthing's own interface are not linked or
// not run.
//
// In Config.Dir it keeps folders.json (what is kept and shared with whom; the
// one truth, replaced atomically), cert.pem and key.pem (the device key), and
// index/ (Syncthing's database, which can be deleted: it is rebuilt by a scan).
// In each folder it keeps .stfolder, without which a vanished disk would look
// like a folder whose files were all deleted.
package folder

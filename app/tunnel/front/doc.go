// Package front publishes web services by name: Front listens for HTTP and HTTPS at addresses of
// this computer, and leads each request to the site of its name. Sites that listen at one
// address share it. A site with TLS gets its certificate from a CA by ACME (RFC 8555), answers
// the CA's questions itself, keeps it in a directory of the owner's, and renews it.
//
// Whoever connects is a stranger. Names that are not published here, and requests whose Host
// is not the name of their TLS handshake, hear nothing of what is. Headers, connections and
// idle time have bounds; forwarding headers from outside are dropped. It knows no tunnel and no
// grant: a Site says how its service is reached.
package front

//go:build !linux

package mesh

// resolve says how to ask for names; the system's resolver is left as it is.
func (r *running) resolve() {
	if r.dns != "" {
		r.nameHint = "ask " + r.dns + " for names that end in .hither, or go through hither proxy, which knows them"
	}
}

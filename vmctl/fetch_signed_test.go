package vmctl

import (
	"testing"

	"hither/fusion"
	"hither/vmctl/catalogue"
)

// TestAListThatIsNotSigned is not asked for a sum, and no image follows.
func TestAListThatIsNotSigned(t *testing.T) {
	p := publish(t, qcow2(0, 0))
	s := store(t, newFake())
	image := fusion.CatalogueImage{Name: "tiny", URL: p.image(), SumsURL: p.URL + "/pub/SHA256SUMS", Arch: catalogue.Arch}
	for _, by := range []catalogue.Signature{{By: "fedora-43"}, {By: "ubuntu", URL: p.URL + "/pub/SHA256SUMS"}, {By: "ubuntu", URL: p.URL + "/pub/none"}} {
		ok(t, s.catalogue.Add(image, by))
		_, err := s.Images().Fetch(t.Context(), fusion.FetchSpec{From: "tiny"})
		if err == nil || fusion.Hint(err) == "" || len(p.ranges()) != 0 {
			t.Errorf("%+v: %v (hint %q), asked for %v", by, err, fusion.Hint(err), p.ranges())
		}
	}
	if left := inPool(t, s.config); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

//go:build !(linux && e2e)

package record

import "testing"

func TestMain(m *testing.M) { verify(m) }

package fusion

import (
	"errors"
	"slices"
	"testing"
)

func TestChangeRoles(t *testing.T) {
	for _, tc := range []struct{ now, add, remove, want []string }{
		{nil, nil, nil, []string{}},
		{nil, []string{"router", "compute", "router"}, nil, []string{"compute", "router"}},
		{[]string{"compute", "storage"}, nil, []string{"compute", "router"}, []string{"storage"}},
		{[]string{"of another release", "storage"}, []string{"compute"}, nil, []string{"compute", "storage"}},
	} {
		got, err := ChangeRoles(tc.now, tc.add, tc.remove)
		if err != nil || !slices.Equal(got, tc.want) || got == nil {
			t.Errorf("%v +%v -%v: got %v, %v", tc.now, tc.add, tc.remove, got, err)
		}
	}
	for _, bad := range [][2][]string{{{"queen"}, nil}, {nil, {""}}, {{"router"}, {"router"}}} {
		if _, err := ChangeRoles(nil, bad[0], bad[1]); !errors.Is(err, ErrInvalid) || Hint(err) == "" {
			t.Errorf("+%v -%v: got %v", bad[0], bad[1], err)
		}
	}
}

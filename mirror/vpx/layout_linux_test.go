//go:build amd64 || arm64

package vpx

import (
	"testing"
	"unsafe"
)

// TestLayout holds the structures against what gcc 12 makes of the headers of
// libvpx 1.12 for LP64.
func TestLayout(t *testing.T) {
	var c encoderConfig
	var m picture
	var x context
	var p packet
	for name, offsets := range map[string][2]uintptr{
		"cfg.g_threads":              {unsafe.Offsetof(c.threads), 4},
		"cfg.g_profile":              {unsafe.Offsetof(c.profile), 8},
		"cfg.g_w":                    {unsafe.Offsetof(c.w), 12},
		"cfg.g_bit_depth":            {unsafe.Offsetof(c.bitDepth), 20},
		"cfg.g_timebase":             {unsafe.Offsetof(c.timebaseNum), 28},
		"cfg.g_error_resilient":      {unsafe.Offsetof(c.resilient), 36},
		"cfg.g_lag_in_frames":        {unsafe.Offsetof(c.lag), 44},
		"cfg.rc_dropframe_thresh":    {unsafe.Offsetof(c.dropThreshold), 48},
		"cfg.rc_end_usage":           {unsafe.Offsetof(c.endUsage), 72},
		"cfg.rc_twopass_stats_in":    {unsafe.Offsetof(c.twoPassStats), 80},
		"cfg.rc_target_bitrate":      {unsafe.Offsetof(c.bitrate), 112},
		"cfg.rc_min_quantizer":       {unsafe.Offsetof(c.minQuantizer), 116},
		"cfg.rc_buf_sz":              {unsafe.Offsetof(c.bufferSize), 132},
		"cfg.kf_mode":                {unsafe.Offsetof(c.keyMode), 160},
		"cfg.kf_max_dist":            {unsafe.Offsetof(c.keyMaxDistance), 168},
		"img.planes":                 {unsafe.Offsetof(m.planes), 48},
		"img.stride":                 {unsafe.Offsetof(m.strides), 80},
		"img.bps":                    {unsafe.Offsetof(m.bitsPerSample), 96},
		"img.user_priv":              {unsafe.Offsetof(m.user), 104},
		"img.fb_priv":                {unsafe.Offsetof(m.buffer), 128},
		"img":                        {unsafe.Sizeof(m), 136},
		"ctx.err":                    {unsafe.Offsetof(x.err), 16},
		"ctx.err_detail":             {unsafe.Offsetof(x.detail), 24},
		"ctx.priv":                   {unsafe.Offsetof(x.private), 48},
		"pkt.data.frame.buf":         {unsafe.Offsetof(p.data), 8},
		"pkt.data.frame.sz":          {unsafe.Offsetof(p.size), 16},
		"pkt.data.frame.pts":         {unsafe.Offsetof(p.pts), 24},
		"pkt.data.frame.flags":       {unsafe.Offsetof(p.flags), 40},
		"cfg has room for the whole": {max(unsafe.Sizeof(c), 1024), unsafe.Sizeof(c)},
	} {
		if offsets[0] != offsets[1] {
			t.Errorf("%s is at %d, not at %d", name, offsets[0], offsets[1])
		}
	}
}

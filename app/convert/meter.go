package convert

import (
	"math"

	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func MeterPointToPB(p fusion.MeterPoint) *pb.MeterPoint {
	return &pb.MeterPoint{
		At: stamp(p.At), Samples: int32(p.Samples), Cpu: rangeToPB(p.CPU), Memory: rangeToPB(p.Memory),
		DiskRead: rangeToPB(p.DiskRead), DiskWrite: rangeToPB(p.DiskWrite), NetIn: rangeToPB(p.NetIn), NetOut: rangeToPB(p.NetOut),
	}
}

func MeterPointFromPB(p *pb.MeterPoint) fusion.MeterPoint {
	return fusion.MeterPoint{
		At: moment(p.GetAt()), Samples: int(p.GetSamples()), CPU: rangeFromPB(p.GetCpu()), Memory: rangeFromPB(p.GetMemory()),
		DiskRead: rangeFromPB(p.GetDiskRead()), DiskWrite: rangeFromPB(p.GetDiskWrite()),
		NetIn: rangeFromPB(p.GetNetIn()), NetOut: rangeFromPB(p.GetNetOut()),
	}
}

func rangeToPB(r *fusion.Range) *pb.MeterRange {
	if r == nil {
		return nil
	}
	return &pb.MeterRange{Min: float32(r.Min), Avg: float32(r.Avg), Max: float32(r.Max)}
}

// rangeFromPB takes what is no number for not measured: JSON has no such values.
func rangeFromPB(r *pb.MeterRange) *fusion.Range {
	if r == nil {
		return nil
	}
	out := fusion.Range{Min: float64(r.Min), Avg: float64(r.Avg), Max: float64(r.Max)}
	for _, v := range []float64{out.Min, out.Avg, out.Max} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
	}
	return &out
}

func HistoryToPB(h fusion.History) *pb.MeterHistoryResponse {
	return &pb.MeterHistoryResponse{From: stamp(h.From), To: stamp(h.To), StepSeconds: int32(h.StepSeconds),
		Points: All(h.Points, MeterPointToPB), Always: h.Always}
}

func HistoryFromPB(h *pb.MeterHistoryResponse) fusion.History {
	return fusion.History{From: moment(h.GetFrom()), To: moment(h.GetTo()), StepSeconds: int(h.GetStepSeconds()),
		Points: All(h.GetPoints(), MeterPointFromPB), Always: h.GetAlways()}
}

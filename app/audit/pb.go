package audit

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// ToPB gives a record as the API has it, and FromPB reads one; Stamp leaves the zero time out.
func Stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func ToPB(r Record) *pb.AuditRecord {
	return &pb.AuditRecord{Seq: r.Seq, Time: Stamp(r.Time), Trace: r.Trace, Host: string(r.Host), Name: r.Name, Stranger: r.Stranger,
		What: r.What, Object: r.Object, Detail: r.Detail, Result: r.Result, Error: r.Error, Times: int64(r.Times), Milliseconds: r.Ms,
		BytesIn: r.In, BytesOut: r.Out}
}

func FromPB(r *pb.AuditRecord) Record {
	return Record{Seq: r.GetSeq(), Time: r.GetTime().AsTime(), Trace: r.GetTrace(), Host: fusion.HostID(r.GetHost()), Name: r.GetName(),
		Stranger: r.GetStranger(), What: r.GetWhat(), Object: r.GetObject(), Detail: r.GetDetail(), Result: r.GetResult(), Error: r.GetError(),
		Times: int(r.GetTimes()), Ms: r.GetMilliseconds(), In: r.GetBytesIn(), Out: r.GetBytesOut()}
}

package convert

import (
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func JobToPB(j fusion.Job) *pb.Job {
	return &pb.Job{
		Id: j.ID, Host: j.Host, Op: j.Op, Name: j.Name, Made: j.Made, Started: stamp(j.Started), Ended: stamp(j.Ended), Error: j.Error,
		Step: j.Step, Done: j.Done, Total: j.Total, Rate: j.Rate, Left: j.Left,
	}
}

func JobFromPB(j *pb.Job) fusion.Job {
	return fusion.Job{
		ID: j.GetId(), Host: j.GetHost(), Op: j.GetOp(), Name: j.GetName(), Made: j.GetMade(), Started: moment(j.GetStarted()), Ended: moment(j.GetEnded()),
		Error: j.GetError(), Progress: fusion.Progress{Step: j.GetStep(), Done: j.GetDone(), Total: j.GetTotal(), Rate: j.GetRate(), Left: j.GetLeft()},
	}
}

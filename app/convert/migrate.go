package convert

import (
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func MigrateCheckToPB(c fusion.MigrateCheck) *pb.MigrateCheck {
	return &pb.MigrateCheck{Bytes: c.Bytes, Obstacles: All(c.Obstacles, ObstacleToPB)}
}

func MigrateCheckFromPB(c *pb.MigrateCheck) fusion.MigrateCheck {
	return fusion.MigrateCheck{Bytes: c.GetBytes(), Obstacles: All(c.GetObstacles(), ObstacleFromPB)}
}

func ObstacleToPB(o fusion.Obstacle) *pb.Obstacle {
	return &pb.Obstacle{Detail: o.Detail, Hint: o.Hint, Live: o.Live}
}

func ObstacleFromPB(o *pb.Obstacle) fusion.Obstacle {
	return fusion.Obstacle{Detail: o.GetDetail(), Hint: o.GetHint(), Live: o.GetLive()}
}

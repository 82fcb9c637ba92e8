package client

import (
	"context"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type apps host

var _ fusion.Apps = (*apps)(nil)

func (a *apps) path(name string) string { return (*host)(a).path(name) }

func (a *apps) List(ctx context.Context, machine, language string) ([]fusion.App, error) {
	res, err := call(ctx, a.path(machine), a.c.apps.List,
		&pb.AppListRequest{Host: a.name, Machine: machine, Language: language})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Apps, convert.AppFromPB), nil
}

func (a *apps) Icon(ctx context.Context, machine, app string) ([]byte, string, error) {
	res, err := call(ctx, a.path(machine+"/"+app), a.c.apps.Icon,
		&pb.AppIconRequest{Host: a.name, Machine: machine, App: app})
	if err != nil {
		return nil, "", err
	}
	return res.Picture, res.MediaType, nil
}

func (a *apps) Run(ctx context.Context, machine, app string, files []string) (fusion.Screen, error) {
	res, err := call(ctx, a.path(machine+"/"+app), a.c.apps.Run,
		&pb.AppRunRequest{Host: a.name, Machine: machine, App: app, Files: files})
	if err != nil {
		return fusion.Screen{}, err
	}
	return convert.ScreenFromPB(res), nil
}

func (a *apps) End(ctx context.Context, screen string) error {
	_, err := call(ctx, a.path(screen), a.c.apps.End, &pb.AppEndRequest{Host: a.name, Screen: screen})
	return err
}

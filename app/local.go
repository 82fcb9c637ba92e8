package app

import (
	"context"
	"iter"

	"hither/fusion"
	"hither/remoteapp"
	"hither/vmctl"
)

// local is this computer as a Host.
type local struct{ n *Node }

var _ fusion.Host = (*local)(nil)

func (l *local) Machines() fusion.Machines { return l.n.vms }
func (l *local) Hardware() fusion.Hardware { return l.n.vms }
func (l *local) Copies() fusion.Copies     { return localCopies{l.n.vms, l.n} }
func (l *local) Backups() fusion.Backups   { return l.n.vms.Backups() }
func (l *local) Screens() fusion.Screens   { return l.n.screens }
func (l *local) Apps() fusion.Apps         { return localApps{Store: l.n.apps, vms: l.n.vms} }
func (l *local) Folders() fusion.Folders   { return l.n.folders }
func (l *local) Jobs() fusion.Jobs         { return l.n.jobs }
func (l *local) Images() fusion.Images     { return l.n.vms.Images() }

func (l *local) Terminals() fusion.Terminals { return l.n.vms.Terminals() }
func (l *local) Guests() fusion.Guests       { return l.n.vms.Guests() }
func (l *local) Networks() fusion.Networks   { return l.n.vms.Networks() }
func (l *local) Forwards() fusion.Forwards   { return l.n.vms.Forwards() }
func (l *local) Tunnels() fusion.Tunnels     { return l.n.tunnels }
func (l *local) Mesh() fusion.Mesh           { return l.n.mesh }
func (l *local) Storage() fusion.Storage     { return l.n.vms.Storage() }
func (l *local) Devices() fusion.Devices     { return l.n.vms.Devices() }
func (l *local) NetBoot() fusion.NetBoot     { return l.n.boot }
func (l *local) Meters() fusion.Meters       { return l.n.vms.Meters() }

func (l *local) Info(context.Context) (fusion.HostInfo, error) {
	info, _ := l.n.table.host(l.n.network.ID())
	return info, nil
}

func (l *local) Watch(ctx context.Context) iter.Seq2[fusion.Event, error] {
	return l.n.table.watch(ctx, l.n.network.ID())
}

// localApps are the apps of this computer's own system, which the store of apps
// knows, and of its virtual machines.
type localApps struct {
	*remoteapp.Store
	vms *vmctl.Store
}

func (a localApps) there(ctx context.Context, machine string) error {
	_, err := a.vms.Get(ctx, machine)
	return err
}

func (a localApps) List(ctx context.Context, machine, language string) ([]fusion.App, error) {
	m, err := a.vms.Get(ctx, machine)
	if err != nil {
		return nil, err
	}
	if machine != fusion.Self {
		list, err := a.guests().List(ctx, machine, language)
		return list, stillInstalling(m, err)
	}
	return a.Store.List(ctx, machine, language)
}

func (a localApps) guests() guests { return guests{run: a.vms.GuestRun, dirs: guestDirs} }

func (a localApps) Icon(ctx context.Context, machine, app string) ([]byte, string, error) {
	if err := a.there(ctx, machine); err != nil {
		return nil, "", err
	}
	if machine != fusion.Self {
		return nil, "", &fusion.Error{Op: "app.icon", Path: machine + "/" + app, Cause: fusion.ErrNotFound, Detail: "pictures of a guest's apps are not fetched"}
	}
	return a.Store.Icon(ctx, machine, app)
}

func (a localApps) Run(ctx context.Context, machine, app string, files []string) (fusion.Screen, error) {
	if err := a.there(ctx, machine); err != nil {
		return fusion.Screen{}, err
	}
	if machine != fusion.Self {
		return a.guests().Run(ctx, machine, app, files)
	}
	return a.Store.Run(ctx, machine, app, files)
}

package api

import (
	v1 "hither/proto/hither/v1/hitherv1connect"

	"hither/fusion"
)

// need is what a caller must have to call a method.
type need struct {
	// cap is the capability that a paired key needs. Empty: only the owner may.
	cap fusion.Capability
	// also is a second capability that is needed.
	also fusion.Capability
	// open lets anybody call: the method checks for itself.
	open bool
	// quiet methods only read; their calls are logged at Debug.
	quiet bool
	// job makes the call one of the host's jobs, and is its Op.
	job string
}

// methods has a row for every method and path of the API. A test fails when a
// method has none; a call without a row is refused.
var methods = map[string]need{
	v1.NodeServiceStatusProcedure:   {quiet: true},
	v1.NodeServiceDoctorProcedure:   {cap: fusion.AdminCap, quiet: true},
	v1.NodeServiceInfoProcedure:     {cap: fusion.ViewCap, quiet: true},
	v1.NodeServiceWatchProcedure:    {cap: fusion.ViewCap, quiet: true},
	v1.NodeServiceWebTokenProcedure: {},
	v1.NodeServiceSessionProcedure:  {open: true},
	v1.NodeServiceDownProcedure:     {},

	v1.HostServiceListProcedure:   {quiet: true},
	v1.HostServiceOfferProcedure:  {},
	v1.HostServiceJoinProcedure:   {},
	v1.HostServiceForgetProcedure: {},
	v1.HostServiceGrantProcedure:  {},
	v1.HostServiceNearbyProcedure: {quiet: true},

	v1.MachineServiceListProcedure:       {cap: fusion.ViewCap, quiet: true},
	v1.MachineServiceGetProcedure:        {cap: fusion.ViewCap, quiet: true},
	v1.MachineServiceCreateProcedure:     {cap: fusion.MachinesCap, job: "machine.create"},
	v1.MachineServiceDoProcedure:         {cap: fusion.ControlCap},
	v1.MachineServiceRemoveProcedure:     {cap: fusion.MachinesCap},
	v1.MachineServiceScreenshotProcedure: {cap: fusion.ViewCap, quiet: true},
	v1.MachineServiceStatsProcedure:      {cap: fusion.ViewCap, quiet: true},

	v1.MachineServiceSnapshotsProcedure:      {cap: fusion.ViewCap, quiet: true},
	v1.MachineServiceTakeSnapshotProcedure:   {cap: fusion.MachinesCap, job: "machine.snapshot.take"},
	v1.MachineServiceRevertSnapshotProcedure: {cap: fusion.MachinesCap, job: "machine.snapshot.revert"},
	v1.MachineServiceRemoveSnapshotProcedure: {cap: fusion.MachinesCap, job: "machine.snapshot.remove"},

	v1.MachineServiceMigrateProcedure:     {cap: fusion.AdminCap, job: "machine.migrate"},
	v1.MachineServicePrepareMoveProcedure: {cap: fusion.AdminCap},
	v1.MachineServiceSettleMoveProcedure:  {cap: fusion.AdminCap},
	v1.MachineServiceCheckMoveProcedure:   {cap: fusion.AdminCap},

	v1.ScreenServiceListProcedure:    {cap: fusion.ViewCap, quiet: true},
	v1.ScreenServiceConnectProcedure: {cap: fusion.ViewCap},

	v1.AppServiceListProcedure: {cap: fusion.AppsCap, quiet: true},
	v1.AppServiceIconProcedure: {cap: fusion.AppsCap, quiet: true},
	v1.AppServiceRunProcedure:  {cap: fusion.AppsCap},
	v1.AppServiceEndProcedure:  {cap: fusion.AppsCap},
	// The menu and the files of the owner at this computer.
	v1.AppServiceInstallProcedure:   {},
	v1.AppServiceUninstallProcedure: {},
	v1.AppServiceOpenProcedure:      {},

	v1.FolderServiceListProcedure: {cap: fusion.FilesCap, quiet: true},
	v1.FolderServiceGetProcedure:  {cap: fusion.FilesCap, quiet: true},
	// Add names a path of this computer, Share hands its files to a computer
	// of the caller's choice, Remove ends what its owner set up.
	v1.FolderServiceAddProcedure:    {cap: fusion.AdminCap},
	v1.FolderServiceShareProcedure:  {cap: fusion.AdminCap},
	v1.FolderServiceRemoveProcedure: {cap: fusion.AdminCap},

	v1.JobServiceListProcedure:   {cap: fusion.ViewCap, quiet: true},
	v1.JobServiceCancelProcedure: {cap: fusion.MachinesCap},

	// Only who may create machines has to know what is free for them.
	v1.ComputerServiceResourcesProcedure: {cap: fusion.MachinesCap, quiet: true},
	v1.ComputerServiceSetRolesProcedure:  {cap: fusion.AdminCap},
	v1.ComputerServicePlaceProcedure:     {},
	v1.ComputerServiceWakeProcedure:      {},
	v1.ComputerServiceSendWakeProcedure:  {cap: fusion.ControlCap},
	v1.ComputerServiceGoingProcedure:     {open: true}, // for paired keys, whatever they may do

	screenPath: {cap: fusion.ViewCap},
	imagesPath: {cap: fusion.MachinesCap},
	// A file that is handed over says what an app does: that is to control it.
	handoverPath: {cap: fusion.AppsCap, also: fusion.ControlCap},
}

// The paths that are not Connect methods.
const (
	screenPath   = "/screen"
	imagesPath   = "/images/"
	handoverPath = "/handover/"
)

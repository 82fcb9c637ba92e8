package api

import (
	v1 "hither/proto/hither/v1/hitherv1connect"

	"hither/fusion"
)

// need is what a caller must have to call a method.
type need struct {
	// cap is the capability that a paired key needs. Empty: only the owner may.
	cap fusion.Capability
	// or is a capability that does as well as cap.
	or fusion.Capability
	// also is a second capability that is needed.
	also fusion.Capability
	// on says what the capabilities are needed on.
	on about
	// open lets anybody call: the method checks for itself.
	open bool
	// quiet methods only read; their calls are logged at Debug.
	quiet bool
	// anew ends a call when its caller's grants change, so that it lists anew.
	anew bool
	// job makes the call one of the host's jobs, and is its Op.
	job string
}

// methods has a row for every method and path of the API. A test fails when a
// method has none; a call without a row is refused.
var methods = map[string]need{
	v1.NodeServiceStatusProcedure:   {quiet: true},
	v1.NodeServiceDoctorProcedure:   {cap: fusion.AdminCap, quiet: true},
	v1.NodeServiceInfoProcedure:     {cap: fusion.ViewCap, on: aList, quiet: true},
	v1.NodeServiceWatchProcedure:    {cap: fusion.ViewCap, on: aList, quiet: true, anew: true},
	v1.NodeServiceWebTokenProcedure: {},
	v1.NodeServiceSessionProcedure:  {open: true},
	v1.NodeServiceDownProcedure:     {},

	v1.HostServiceListProcedure:   {quiet: true},
	v1.HostServiceOfferProcedure:  {},
	v1.HostServiceJoinProcedure:   {},
	v1.HostServiceForgetProcedure: {},
	v1.HostServiceGrantProcedure:  {},
	v1.HostServiceAnswerProcedure: {},
	v1.HostServiceNearbyProcedure: {quiet: true},

	v1.InviteServiceLookProcedure:  {quiet: true},
	v1.InviteServiceAddProcedure:   {job: "host.add"},
	v1.InviteServiceLeaveProcedure: {job: "host.leave"},

	v1.MachineServiceListProcedure:       {cap: fusion.ViewCap, on: aList, quiet: true},
	v1.MachineServiceGetProcedure:        {cap: fusion.ViewCap, on: ofName, quiet: true},
	v1.MachineServiceCreateProcedure:     {cap: fusion.MachinesCap, job: "machine.create"},
	v1.MachineServiceDoProcedure:         {cap: fusion.ControlCap, or: fusion.MachinesCap, on: ofName},
	v1.MachineServiceRemoveProcedure:     {cap: fusion.MachinesCap, on: ofName},
	v1.MachineServiceScreenshotProcedure: {cap: fusion.ViewCap, on: ofName, quiet: true},
	v1.MachineServiceStatsProcedure:      {cap: fusion.ViewCap, on: aList, quiet: true},

	v1.MachineServiceSnapshotsProcedure:      {cap: fusion.ViewCap, on: ofMachine, quiet: true},
	v1.MachineServiceTakeSnapshotProcedure:   {cap: fusion.MachinesCap, on: ofMachine, job: "machine.snapshot.take"},
	v1.MachineServiceRevertSnapshotProcedure: {cap: fusion.MachinesCap, on: ofMachine, job: "machine.snapshot.revert"},
	v1.MachineServiceRemoveSnapshotProcedure: {cap: fusion.MachinesCap, on: ofMachine, job: "machine.snapshot.remove"},

	v1.HardwareServiceShowProcedure:   {cap: fusion.ViewCap, on: ofMachine, quiet: true},
	v1.HardwareServiceChangeProcedure: {cap: fusion.MachinesCap, on: ofMachine, job: "machine.change"},
	v1.HardwareServiceLabelProcedure:  {cap: fusion.MachinesCap, on: ofMachine},
	v1.HardwareServiceRenameProcedure: {cap: fusion.MachinesCap, on: ofMachine},
	v1.HardwareServiceSaveProcedure:   {cap: fusion.ControlCap, or: fusion.MachinesCap, on: ofMachine, job: "machine.save"},
	v1.GuestServiceInfoProcedure:      {cap: fusion.ViewCap, on: ofMachine, quiet: true},
	v1.GuestServiceExecProcedure:      {cap: fusion.ControlCap, on: ofMachine},

	v1.MachineServiceMigrateProcedure:      {cap: fusion.AdminCap, job: "machine.migrate"},
	v1.MachineServiceCheckMigrateProcedure: {cap: fusion.AdminCap},
	v1.MachineServiceExamineMoveProcedure:  {cap: fusion.AdminCap},
	v1.MachineServicePrepareMoveProcedure:  {cap: fusion.AdminCap},
	v1.MachineServiceSettleMoveProcedure:   {cap: fusion.AdminCap},
	v1.MachineServiceCheckMoveProcedure:    {cap: fusion.AdminCap},

	// Networks, forwarded ports and pools are the host's own, whoever's machines use them.
	v1.NetworkServiceListProcedure:   {cap: fusion.ViewCap, quiet: true},
	v1.NetworkServiceGetProcedure:    {cap: fusion.ViewCap, quiet: true},
	v1.NetworkServiceCreateProcedure: {cap: fusion.AdminCap},
	v1.NetworkServiceRemoveProcedure: {cap: fusion.AdminCap},
	v1.NetworkServiceStartProcedure:  {cap: fusion.AdminCap},
	v1.NetworkServiceStopProcedure:   {cap: fusion.AdminCap},
	v1.NetworkServiceLeasesProcedure: {cap: fusion.ViewCap, quiet: true},
	v1.NetworkServiceCardsProcedure:  {cap: fusion.ViewCap, on: ofMachine, quiet: true},
	v1.DeviceServiceListProcedure:    {cap: fusion.ViewCap, quiet: true},
	// It serves a whole network, and an installation wipes a disk.
	v1.NetBootServiceShowProcedure:    {cap: fusion.AdminCap, quiet: true},
	v1.NetBootServiceSwitchProcedure:  {cap: fusion.AdminCap},
	v1.NetBootServiceInstallProcedure: {cap: fusion.AdminCap, job: "netboot.install"},
	v1.NetBootServiceForgetProcedure:  {cap: fusion.AdminCap},

	v1.ForwardServiceListProcedure:   {cap: fusion.ViewCap, on: ofMachine, quiet: true},
	v1.ForwardServiceAddProcedure:    {cap: fusion.AdminCap},
	v1.ForwardServiceRemoveProcedure: {cap: fusion.AdminCap},

	// A tunnel is a way into the network of whoever keeps it, or out of it.
	v1.TunnelServiceListProcedure:    {cap: fusion.AdminCap, quiet: true},
	v1.TunnelServiceAddProcedure:     {cap: fusion.AdminCap},
	v1.TunnelServiceRemoveProcedure:  {cap: fusion.AdminCap},
	v1.TunnelServiceLimitProcedure:   {cap: fusion.AdminCap},
	v1.TunnelServiceHistoryProcedure: {cap: fusion.AdminCap, quiet: true},
	v1.TunnelServiceWatchProcedure:   {cap: fusion.AdminCap, quiet: true},

	// The private network is a way into a computer, for all that listens there.
	v1.MeshServiceStatusProcedure: {cap: fusion.AdminCap, quiet: true},
	v1.MeshServiceUpProcedure:     {cap: fusion.AdminCap},
	v1.MeshServiceDownProcedure:   {cap: fusion.AdminCap},

	v1.StorageServicePoolsProcedure:        {cap: fusion.ViewCap, quiet: true},
	v1.StorageServiceVolumesProcedure:      {cap: fusion.ViewCap, quiet: true},
	v1.StorageServiceCreateVolumeProcedure: {cap: fusion.AdminCap},
	v1.StorageServiceGrowVolumeProcedure:   {cap: fusion.AdminCap},
	v1.StorageServiceRemoveVolumeProcedure: {cap: fusion.AdminCap},
	v1.CopyServiceCloneProcedure:           {cap: fusion.MachinesCap, job: "machine.clone"},
	v1.CopyServiceSetTemplateProcedure:     {cap: fusion.MachinesCap, on: ofMachine},
	// A file has all that is on the machine's disks: that is to control it.
	v1.CopyServiceExportProcedure:      {cap: fusion.MachinesCap, on: ofMachine, also: fusion.ControlCap, job: "machine.export"},
	v1.CopyServiceDeployProcedure:      {cap: fusion.AdminCap, job: "machine.deploy"},
	v1.CopyServiceDeployImageProcedure: {cap: fusion.AdminCap, job: "image.deploy"},

	v1.BackupServiceListProcedure:        {cap: fusion.ViewCap, on: ofBackup, quiet: true},
	v1.BackupServiceTakeProcedure:        {cap: fusion.MachinesCap, on: ofBackup, job: "machine.backup"},
	v1.BackupServiceRestoreProcedure:     {cap: fusion.MachinesCap, on: ofBackup, job: "machine.restore"},
	v1.BackupServiceVerifyProcedure:      {cap: fusion.MachinesCap, on: ofBackup, job: "machine.backup.verify"},
	v1.BackupServiceRemoveProcedure:      {cap: fusion.MachinesCap, on: ofBackup},
	v1.BackupServiceSetScheduleProcedure: {cap: fusion.MachinesCap, on: ofMachine},
	v1.BackupServiceKeptProcedure:        {cap: fusion.ViewCap, quiet: true},

	v1.ScreenServiceListProcedure:    {cap: fusion.ViewCap, on: ofParts, quiet: true},
	v1.ScreenServiceConnectProcedure: {cap: fusion.ViewCap, on: ofScreen},

	v1.AppServiceListProcedure: {cap: fusion.AppsCap, on: ofParts, quiet: true},
	v1.AppServiceIconProcedure: {cap: fusion.AppsCap, on: ofApp, quiet: true},
	v1.AppServiceRunProcedure:  {cap: fusion.AppsCap, on: ofApp},
	v1.AppServiceEndProcedure:  {cap: fusion.AppsCap, on: ofScreen},
	// The menu and the files of the owner at this computer.
	v1.AppServiceInstallProcedure:   {},
	v1.AppServiceUninstallProcedure: {},
	v1.AppServiceOpenProcedure:      {},

	v1.FolderServiceListProcedure: {cap: fusion.FilesCap, on: aList, quiet: true},
	v1.FolderServiceGetProcedure:  {cap: fusion.FilesCap, on: ofFolder, quiet: true},
	// Add names a path of this computer, Share hands its files to a computer
	// of the caller's choice, Remove ends what its owner set up.
	v1.FolderServiceAddProcedure:    {cap: fusion.AdminCap},
	v1.FolderServiceShareProcedure:  {cap: fusion.AdminCap},
	v1.FolderServiceRemoveProcedure: {cap: fusion.AdminCap},

	v1.JobServiceListProcedure:   {cap: fusion.ViewCap, on: aList, quiet: true},
	v1.JobServiceCancelProcedure: {cap: fusion.MachinesCap, on: ofJob},

	v1.ImageServiceListProcedure:      {cap: fusion.ViewCap, quiet: true},
	v1.ImageServiceCatalogueProcedure: {cap: fusion.ViewCap, quiet: true},
	// An address of the caller's choice needs admin too.
	v1.ImageServiceFetchProcedure:  {cap: fusion.MachinesCap, job: "image.fetch"},
	v1.ImageServiceRemoveProcedure: {cap: fusion.MachinesCap},
	// Only who may create machines has to know what is free for them.
	v1.ComputerServiceResourcesProcedure: {cap: fusion.MachinesCap, quiet: true},
	v1.ComputerServiceSetRolesProcedure:  {cap: fusion.AdminCap},
	v1.ComputerServicePlaceProcedure:     {},
	v1.ComputerServiceWakeProcedure:      {},
	v1.ComputerServiceSendWakeProcedure:  {cap: fusion.ControlCap},
	v1.ComputerServiceGoingProcedure:     {open: true}, // for paired keys, whatever they may do
	v1.MeterServiceHistoryProcedure:      {cap: fusion.ViewCap, on: ofMachine, quiet: true},
	v1.MeterServiceWatchProcedure:        {cap: fusion.ViewCap, on: ofMachine, quiet: true},
	v1.MeterServiceKeepProcedure:         {cap: fusion.MachinesCap},

	// What others did and may do here is the owner's to know.
	v1.AuditServiceListProcedure:   {cap: fusion.AdminCap, quiet: true},
	v1.AuditServiceFollowProcedure: {cap: fusion.AdminCap, quiet: true},
	v1.AuditServiceVerifyProcedure: {cap: fusion.AdminCap, quiet: true},
	v1.AuditServiceLiveProcedure:   {cap: fusion.AdminCap, quiet: true},
	v1.AuditServiceEndProcedure:    {cap: fusion.AdminCap},

	screenPath: {cap: fusion.ViewCap, on: ofScreen},
	// A viewer without control only looks; a shell needs it.
	terminalPath:   {cap: fusion.ViewCap, on: ofMachine},
	guestFilesPath: {cap: fusion.ControlCap, on: ofMachine},
	imagesPath:     {cap: fusion.MachinesCap},
	copiesPath:     {cap: fusion.MachinesCap},
	// What its owner made a file of: the ticket says which machine.
	ticketPath: {cap: fusion.MachinesCap, on: ofTicket},
	// A file that is handed over says what an app does: that is to control it.
	handoverPath: {cap: fusion.AppsCap, also: fusion.ControlCap, on: ofSelf},
}

// The paths that are not Connect methods.
const (
	screenPath   = "/screen"
	terminalPath = "/terminal"
	// guestFilesPath and a machine's name: the files of its guest.
	guestFilesPath = "/guest/"
	imagesPath     = "/images/"
	copiesPath     = "/copies/"
	// ticketPath is copiesPath and a ticket.
	ticketPath   = "/copies/TICKET"
	handoverPath = "/handover/"
)

// Package remoteapp lists the programs of this computer and runs each on an X
// display of its own, so that one window of it can be shown anywhere.
//
// Open gives the Store, which is the fusion.Apps of the machine "self". Run
// starts a program and answers once its first window is there; the display then
// has that window's natural size and nothing else on it, so its pixels are the
// window. When the display is resized, the window fills it again. When the
// program ends, its display ends; End closes its windows as a person would,
// then ends every process it left.
//
// Windows gives the windows of a running app one by one, with title, icon, place
// and state, and moves them. From then on the display has the size of the
// viewer's desktop and the windows lie on it where the app or the viewer puts
// them; the app ends with its last window.
//
// What runs: for each app one Xvfb (no TCP, a random cookie that only the owner
// may read), one openbox, one dbus-daemon if it is installed (so that a program
// which is open on the session's desktop does not answer there instead), one
// pulseaudio if that is installed (so that its sound goes to its viewers, and is
// not heard here; else Config.Sounds is asked), and the app. They run in sessions
// of their own and survive the node; the next Open on the same Dir adopts them,
// and ends what is half dead. Processes are known by PID and start time, and by
// the mark HITHER_DISPLAY in their environment.
//
// What is kept: Dir/instances.json, Dir/lock, and for each display a directory
// Dir/INSTANCE with its Xauthority, rc.xml, sound.pa and the app's output (log, at
// most about 1 MiB, checked every minute).
//
// Files of other computers (Hand) lie in Dir/files/ID with a record beside it,
// each in a directory of its own. The Store hears when an app closes one, and
// Take gives each such version to whoever lent it. They outlive the node and the
// app, until the last version was fetched or a week has gone.
//
// It trusts the owner's desktop entries as much as the owner's shell does. It
// refuses apps inside virtual machines (unsupported for now), files that do not
// exist, and more than MaxApps apps at once. It works on Linux; elsewhere every
// method answers fusion.ErrUnsupported.
package remoteapp

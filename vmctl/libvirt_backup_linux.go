//go:build cgo

package vmctl

import (
	"cmp"

	"libvirt.org/go/libvirt"
)

// beginBackup is virDomainBackupBegin
// (https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainBackupBegin).
func (c *connection) beginBackup(uuid, backup, checkpoint string) error {
	d, err := c.lookup(uuid)
	if err != nil {
		return err
	}
	defer free(d)
	return translate(d.BackupBegin(backup, checkpoint, libvirt.DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL))
}

func (c *connection) backupJob(uuid string) (backupJob, error) {
	d, err := c.lookup(uuid)
	if err != nil {
		return backupJob{}, err
	}
	defer free(d)
	now, err := d.GetJobStats(0)
	if isCode(err, libvirt.ERR_OPERATION_INVALID) {
		return backupJob{why: "the machine ended"}, nil
	}
	if err != nil {
		return backupJob{}, translate(err)
	}
	if now.Type != libvirt.DOMAIN_JOB_NONE {
		job := backupJob{active: true, done: int64(now.DiskProcessed), total: int64(now.DiskTotal)}
		return job, nil
	}
	last, err := d.GetJobStats(libvirt.DOMAIN_JOB_STATS_COMPLETED | libvirt.DOMAIN_JOB_STATS_KEEP_COMPLETED)
	switch {
	case isCode(err, libvirt.ERR_OPERATION_INVALID):
		return backupJob{why: "the machine ended"}, nil
	case err != nil:
		return backupJob{}, translate(err)
	case last.Operation != libvirt.DOMAIN_JOB_OPERATION_BACKUP:
		return backupJob{why: "libvirt does not know how it ended"}, nil
	case last.Type != libvirt.DOMAIN_JOB_COMPLETED:
		return backupJob{why: cmp.Or(last.ErrorMessage, "it was ended by somebody else")}, nil
	}
	return backupJob{completed: true}, nil
}

func (c *connection) checkpoints(uuid string) ([]string, error) {
	d, err := c.lookup(uuid)
	if err != nil {
		return nil, err
	}
	defer free(d)
	all, err := d.ListAllCheckpoints(0)
	if isCode(err, libvirt.ERR_NO_SUPPORT) {
		return nil, nil
	}
	if err != nil {
		return nil, translate(err)
	}
	var names []string
	for i := range all {
		if name, err := all[i].GetName(); err == nil {
			names = append(names, name)
		}
		_ = all[i].Free() // fails only on a nil checkpoint
	}
	return names, nil
}

func (c *connection) removeCheckpoint(uuid, name string) error {
	d, err := c.lookup(uuid)
	if err != nil {
		return err
	}
	defer free(d)
	one, err := d.CheckpointLookupByName(name, 0)
	if isCode(err, libvirt.ERR_NO_DOMAIN_CHECKPOINT) {
		return nil
	}
	if err != nil {
		return translate(err)
	}
	defer func() { _ = one.Free() }() // fails only on a nil checkpoint
	if err := one.Delete(0); err == nil {
		return nil
	}
	return translate(one.Delete(libvirt.DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY))
}

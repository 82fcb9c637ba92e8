# A whole operating system for tests, in one boot sector, that knows of plugs: eighteen
# times a second it counts the virtio disks on its first 32 PCI buses and writes the
# number to 0x7e00, and lets go of each device that its computer wants back, as an ACPI
# guest does (QEMU's docs/specs/acpi_pci_hotplug.rst, at the place that Q35 has it).
#
#   as --32 plug.asm -o plug.o
#   ld -m elf_i386 -Ttext 0x7c00 --oformat binary plug.o -o plug.bin
.code16
.globl _start
_start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %ss
	movw $0x7c00, %sp
	sti

look:
	xorl %ebx, %ebx
	movl $0x80000000, %ecx     # PCI configuration, bus 0, device 0
next:
	movl %ecx, %eax
	movw $0xcf8, %dx
	outl %eax, %dx
	movw $0xcfc, %dx
	inl %dx, %eax
	cmpl $0x10421af4, %eax     # virtio disk, on PCI Express
	je found
	cmpl $0x10011af4, %eax     # virtio disk, on PCI
	jne on
found:
	incl %ebx
on:
	addl $0x800, %ecx
	cmpl $0x80200000, %ecx
	jne next
	movl %ebx, 0x7e00

	xorw %cx, %cx
bus:
	movzwl %cx, %eax           # which bus: register 0x10
	movw $0xcd0, %dx
	outl %eax, %dx
	movw $0xcc4, %dx           # what is wanted back: register 4
	inl %dx, %eax
	testl %eax, %eax
	jz kept
	movw $0xcc8, %dx           # let go: register 8
	outl %eax, %dx
kept:
	incw %cx
	cmpw $64, %cx
	jne bus
	hlt
	jmp look

	.org 510
	.word 0xaa55

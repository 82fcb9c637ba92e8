# The guest that vmctl tries an accelerator with: a floppy's boot sector that does what operating systems do and
# ends QEMU through isa-debug-exit once all of it worked. An accelerator that stumbles over one of these runs no
# ordinary guest. In turn: the BIOS, protected mode, an iret there, long mode, a visit to ring 3 with an SSE
# instruction, a software interrupt back, and the timer's interrupt.
#
#   as --64 guest.S -o guest.o && ld -m elf_x86_64 -Ttext 0x7c00 --oformat binary -o guest.bin guest.o
#
# Memory: 0x1000 to 0x3fff page tables, 0x4000 the IDT, 0x5000 the TSS, stacks below 0x7c00 and 0x7800.
# (Intel SDM volume 3: 4.5 paging, 6.14 gates in 64-bit mode, 8.7 TSS, 9.8.5 entering IA-32e mode; 8259A for the timer.)
.code16
.global _start
_start:
  cli
  xorw %ax,%ax
  movw %ax,%ds
  movw %ax,%ss
  movw $0x7c00,%sp
  lgdtl gdtr
  movl %cr0,%eax
  orb $1,%al
  movl %eax,%cr0
  ljmpw $0x08,$pm
.code32
pm:
  movw $0x10,%ax
  movw %ax,%ds
  movw %ax,%es
  movw %ax,%ss
  movl $0x7c00,%esp
  # an iret that changes nothing
  pushfl
  pushl %cs
  pushl $1f
  iretl
1:
  # one page of 2 MiB for everybody, then PAE, SSE, LME and paging
  movl $0x1000,%edi
  xorl %eax,%eax
  movl $0x1400,%ecx
  rep stosl
  movl $0x2007,0x1000
  movl $0x3007,0x2000
  movl $0x87,0x3000
  movl %cr4,%eax
  orw $0x620,%ax
  movl %eax,%cr4
  movl $0x1000,%eax
  movl %eax,%cr3
  movl $0xc0000080,%ecx
  rdmsr
  orb $1,%ah
  wrmsr
  movl %cr0,%eax
  orl $0x80000000,%eax
  movl %eax,%cr0
  ljmp $0x18,$lm
.code64
lm:
  # gates: 0x30 from ring 3, 0x20 the timer
  movl $user,%eax
  movl $0x4300,%edi
  call gate
  movb $0xee,0x4305
  movl $tick,%eax
  movl $0x4200,%edi
  call gate
  lidt idtr
  movl $0x7c00,0x5004
  movl $0x28,%eax
  ltr %ax
  # ring 3
  pushq $0x3b
  pushq $0x7800
  pushq $2
  pushq $0x43
  pushq $ring3
  iretq
gate:
  movw %ax,(%rdi)
  movl $0x8e000018,2(%rdi)
  ret
ring3:
  cvtsi2sd %rsp,%xmm0
  int $0x30
user:
  # the timer, as vector 0x20
  movb $0x11,%al
  outb %al,$0x20
  movb $0x20,%al
  outb %al,$0x21
  movb $4,%al
  outb %al,$0x21
  movb $1,%al
  outb %al,$0x21
  movb $0xfe,%al
  outb %al,$0x21
1:
  sti
  hlt
  jmp 1b
tick:
  movw $0x501,%dx
  movb $0x31,%al
  outb %al,%dx
  hlt
.balign 8
gdt:
  .quad 0
  .quad 0x00cf9b000000ffff   # 08 code 32
  .quad 0x00cf93000000ffff   # 10 data
  .quad 0x00af9b000000ffff   # 18 code 64
  .quad 0
  .quad 0x0000890050000067   # 28 TSS at 0x5000
  .quad 0
  .quad 0x00cff3000000ffff   # 38 data, ring 3
  .quad 0x00affb000000ffff   # 40 code 64, ring 3
gdtr:
  .word gdtr-gdt-1
  .long gdt
idtr:
  .word 0x30f
  .quad 0x4000
.org 510
  .byte 0x55,0xaa

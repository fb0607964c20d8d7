// Package op has the opcodes of WebAssembly that the post-linker writes or asks for.
package op

// Opcodes of WebAssembly that this program writes or asks for.
const (
	Block        = 0x02
	Loop         = 0x03
	If           = 0x04
	End          = 0x0b
	Br           = 0x0c
	BrIf         = 0x0d
	BrTable      = 0x0e
	Return       = 0x0f
	Call         = 0x10
	CallIndirect = 0x11
	Drop         = 0x1a
	LocalGet     = 0x20
	LocalSet     = 0x21
	LocalTee     = 0x22
	GlobalGet    = 0x23
	GlobalSet    = 0x24
	TableSet     = 0x26
	I32Load      = 0x28
	I64Load      = 0x29
	I32Load8U    = 0x2d
	I32Load16U   = 0x2f
	I64Load32U   = 0x35
	I32Store     = 0x36
	I64Store     = 0x37
	I64Store32   = 0x3e
	MemorySize   = 0x3f
	MemoryGrow   = 0x40
	I32Const     = 0x41
	I64Const     = 0x42
	F32Const     = 0x43
	F64Const     = 0x44
	I32Eqz       = 0x45
	I32Eq        = 0x46
	I32LtU       = 0x49
	I64Eqz       = 0x50
	I64Eq        = 0x51
	F64Ge        = 0x66
	I32Add       = 0x6a
	I32Sub       = 0x6b
	I32Mul       = 0x6c
	I32DivU      = 0x6e
	I32Rotr      = 0x78
	I64Add       = 0x7c
	I64Or        = 0x84
	I64Shl       = 0x86
	I64Rotr      = 0x8a
	I32Wrap      = 0xa7
	I64ExtendI32 = 0xad
	Extend32S    = 0xc4 // the last of those that have one byte
	Numeric      = 0xfc // before a second opcode: saturating truncation, and bulk memory
)

override GROUP_SIZE: u32 = 256;
override GROUPED: bool = true;     // false: one lane a channel, so nothing is merged and no barrier stands
override UNROLLED: bool = true;    // false: a software adapter hides no loads behind others, and is quicker with shorter code

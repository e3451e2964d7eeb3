override GROUP_SIZE: u32 = 256;
override GROUPED: bool = true;     // false: one lane a channel, so nothing is merged and no barrier stands

/// <reference types="vite/client" />

// Vue's types do not know popovers yet, nor attributes of one's own.
declare module "vue" {
  interface HTMLAttributes {
    popover?: boolean | "auto" | "manual";
    /** What a listener further up is told of an element. */
    [name: `data-${string}`]: string | number | undefined;
  }
  interface ButtonHTMLAttributes {
    popovertarget?: string;
  }
}

export {};
